#pragma once
#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "library/metadata_module.h"
#include "library/metadata_text.h"
#include "library/photo.h"

/// Metadata of photos: EXIF, IPTC and XMP.
namespace e5v::library {

/// What an image file says about itself. Metadata that is broken or absent leaves the members as they are by default,
/// because metadata never makes an image invalid. Texts are made valid UTF-8. Where several standards have a member,
/// XMP comes before IPTC and EXIF; the keywords are those of all. Without a reader, only size and orientation are read.
Metadata read_metadata(std::span<const std::byte> file, const MetadataReader* reader = metadata_reader().reader);

/// The sidecar files that an image may have: NAME.jpg.xmp, NAME.xmp and NAME.txt.
std::array<std::filesystem::path, 3> sidecars_of(const std::filesystem::path& image);

/// Whether a path may be that of a sidecar file: whether it ends with .xmp or .txt.
bool has_sidecar_suffix(std::string_view path);

/// Replaces what sidecar files of an image say: the rating, keywords and caption of NAME.jpg.xmp or NAME.xmp, and the
/// text of NAME.txt as the caption. Sidecars that cannot be read count as absent, and without a reader those of XMP do.
void add_sidecars(const std::string& image_path, Metadata& metadata,
                  const MetadataReader* reader = metadata_reader().reader);

}  // namespace e5v::library

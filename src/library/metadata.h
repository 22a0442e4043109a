#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "library/photo.h"

/// Metadata of photos: EXIF, IPTC and XMP, read by Exiv2.
namespace e5v::library {

/// No caption or keyword is longer; the rest is cut off.
inline constexpr std::size_t kMaxCaptionBytes = 16'384, kMaxKeywordBytes = 256;

/// What an image file says about itself. Metadata that is broken or absent leaves the members as they are by default,
/// because metadata never makes an image invalid. Texts are made valid UTF-8. Where several standards have a member,
/// XMP comes before IPTC and EXIF; the keywords are those of all.
Metadata read_metadata(std::span<const std::byte> file);

/// Replaces what sidecar files of an image say: the rating, keywords and caption of NAME.jpg.xmp or NAME.xmp, and the
/// text of NAME.txt as the caption. Sidecars that cannot be read count as absent.
void add_sidecars(const std::string& image_path, Metadata& metadata);

/// "2019-07-14T12:33:10" for a date of EXIF ("2019:07:14 12:33:10") or XMP ("2019-07-14T12:33:10+02:00", where the time
/// may be missing); empty when it is none.
std::string iso_time(std::string_view date);

/// Maker and model of a camera in one text without repeating the maker: "Canon EOS 5D" for "Canon" and "Canon EOS 5D".
std::string camera_name(std::string_view maker, std::string_view model);

}  // namespace e5v::library

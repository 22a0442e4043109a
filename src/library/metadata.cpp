#include "library/metadata.h"

#include "base/error.h"
#include "base/file.h"
#include "image/decode.h"

namespace e5v::library {
namespace {

/// The file's text; nothing if it cannot be read. Sidecars are small.
std::string sidecar_text(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return "";
  try {
    return read_file(path, 1 << 20);
  } catch (const InvalidInput&) {
    return "";
  }
}

/// The size and orientation that the decoder sees.
void read_size(std::span<const std::byte> file, Metadata& metadata) {
  try {
    const image::ImageHeader header = image::read_header(file, "photo");
    metadata.width = header.width, metadata.height = header.height;
    metadata.orientation = header.orientation;
    if (metadata.orientation >= 5) std::swap(metadata.width, metadata.height);
  } catch (const InvalidInput&) {  // the embedder says what is wrong
  }
}

}  // namespace

std::array<std::filesystem::path, 3> sidecars_of(const std::filesystem::path& image) {
  std::filesystem::path long_name = image, short_name = image, text = image;
  return {long_name += ".xmp", short_name.replace_extension(".xmp"), text.replace_extension(".txt")};
}

bool has_sidecar_suffix(std::string_view path) { return path.ends_with(".xmp") || path.ends_with(".txt"); }

Metadata read_metadata(std::span<const std::byte> file, const MetadataReader* reader) {
  Metadata metadata;
  if (reader != nullptr) reader->read(file, metadata);
  if (metadata.width == 0 || metadata.height == 0) read_size(file, metadata);
  return metadata;
}

void add_sidecars(const std::string& image_path, Metadata& metadata, const MetadataReader* reader) {
  const auto [long_name, short_name, text_file] = sidecars_of(image_path);
  std::string packet = sidecar_text(long_name);
  if (packet.empty()) packet = sidecar_text(short_name);
  if (!packet.empty() && reader != nullptr) reader->read_packet(packet, metadata);
  const std::string text = clean_text(sidecar_text(text_file), kMaxCaptionBytes);
  if (!text.empty()) metadata.caption = text;
}

}  // namespace e5v::library

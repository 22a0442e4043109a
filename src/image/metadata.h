#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace e5v::image {

/// What a file says about its picture besides the pixels, as far as the orientation needs it.
struct Metadata {
  std::optional<std::string> exif;  ///< the block, with or without its header
  std::string xmp;                  ///< XML; empty: none
};

// Each takes a whole file that starts with the format's signature, and reads what Pillow would: broken parts count as
// absent. JPEG: the APP1 segments before the picture, those of EXIF in a row, the last one of XMP. PNG: the chunks eXIf
// and iTXt, and what ImageMagick keeps in text ("Raw profile type exif"). WebP: the chunks that its header announces.
Metadata jpeg_metadata(std::span<const std::byte> file);
Metadata png_metadata(std::span<const std::byte> file);
Metadata webp_metadata(std::span<const std::byte> file);

}  // namespace e5v::image

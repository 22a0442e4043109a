#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace e5v::image {

/// The metadata of an image file, as far as the orientation depends on it.
struct Metadata {
  std::optional<std::string> exif;  ///< the block, with or without its header
  std::string xmp;                  ///< XML; empty: none
};

// Each function takes a whole file that begins with the format's signature, and reads what Pillow reads. Broken parts
// count as absent. JPEG: the APP1 segments before the image, all those of EXIF joined, the last one of XMP. PNG: the
// chunks eXIf and iTXt, and the texts of ImageMagick ("Raw profile type exif"). WebP: the chunks that its header
// announces.
Metadata jpeg_metadata(std::span<const std::byte> file);
Metadata png_metadata(std::span<const std::byte> file);
Metadata webp_metadata(std::span<const std::byte> file);

}  // namespace e5v::image

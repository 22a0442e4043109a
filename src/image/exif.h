#pragma once
#include <cstddef>
#include <optional>
#include <span>

namespace e5v::image {

/// The orientation in an EXIF block, with or without its "Exif\0\0" header (TIFF 6.0, tag 274), as Pillow reads it: 1
/// to 8. It is 1 when the value is none of these or the block is no TIFF. Nothing when the block has no orientation;
/// then XMP is read.
std::optional<int> exif_orientation(std::span<const std::byte> exif);

}  // namespace e5v::image

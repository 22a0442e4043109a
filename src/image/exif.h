#pragma once
#include <cstddef>
#include <optional>
#include <span>

namespace e5v::image {

/// What an EXIF block, with or without its "Exif\0\0" header, says of the orientation (TIFF 6.0, tag 274), as Pillow
/// reads it: 1 to 8; 1, too, where the value is none of these or the block is no TIFF; nothing when the block does not
/// mention it, so that XMP is asked.
std::optional<int> exif_orientation(std::span<const std::byte> exif);

}  // namespace e5v::image

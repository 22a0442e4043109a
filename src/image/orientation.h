#pragma once
#include <cstddef>
#include <span>

#include "image/bitmap.h"

namespace e5v::image {

// The EXIF orientation (1 to 8) that a file carries: in the first Exif APP1 segment of a JPEG, the eXIf chunk of a PNG,
// the EXIF chunk of a WebP. 1, upright, when there is none or it cannot be read: metadata never makes a picture
// invalid.
int jpeg_orientation(std::span<const std::byte> file);
int png_orientation(std::span<const std::byte> file);
int webp_orientation(std::span<const std::byte> file);

/// The orientation in an EXIF block, with or without its "Exif\0\0" header; 1 when it has none. Source: TIFF 6.0, tag
/// 274.
int exif_orientation(std::span<const std::byte> exif);

/// The upright picture of one stored with that orientation. Source: PIL.ImageOps.exif_transpose.
Bitmap oriented(Bitmap stored, int orientation);

}  // namespace e5v::image

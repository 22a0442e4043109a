#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "image/bitmap.h"

namespace e5v::image {

// The orientation (1 to 8) that a file carries, found where Pillow finds it: in EXIF, and where that does not mention
// it in XMP. 1, upright, when there is none or it cannot be read: metadata never makes a picture invalid. Source:
// PIL.Image.Image.getexif.
int jpeg_orientation(std::span<const std::byte> file);
int png_orientation(std::span<const std::byte> file);
int webp_orientation(std::span<const std::byte> file);

/// The first value of tiff:Orientation in a packet of XMP, as an attribute or as an element.
int xmp_orientation(std::string_view xmp);

/// The upright picture of one stored with that orientation. Source: PIL.ImageOps.exif_transpose.
Bitmap oriented(Bitmap stored, int orientation);

}  // namespace e5v::image

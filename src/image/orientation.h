#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "image/bitmap.h"

namespace e5v::image {

// The orientation (1 to 8) of a file, read where Pillow reads it: in EXIF or, if it is not there, in XMP. It is 1,
// upright, when there is none or it cannot be read, because metadata never makes an image invalid. Source:
// PIL.Image.Image.getexif.
int jpeg_orientation(std::span<const std::byte> file);
int png_orientation(std::span<const std::byte> file);
int webp_orientation(std::span<const std::byte> file);

/// The first value of tiff:Orientation in a packet of XMP, as an attribute or as an element.
int xmp_orientation(std::string_view xmp);

/// The upright image of an image that is stored with that orientation. Source: PIL.ImageOps.exif_transpose.
Bitmap oriented(Bitmap stored, int orientation);

}  // namespace e5v::image

#pragma once
#include <string>

#include "image/bitmap.h"

namespace e5v::image {

/// A JPEG file (baseline, 4:2:0) of an image with pixels. quality is libjpeg's, 1 to 100. Throws InvalidInput when a
/// side exceeds the format's maximum.
std::string encode_jpeg(const Bitmap& bitmap, int quality);

/// A PNG file of an image with pixels. Throws InvalidInput when libpng cannot write it.
std::string encode_png(const Bitmap& bitmap);

/// A WebP file (lossy) of an image with pixels. quality is libwebp's, 0 to 100. Throws InvalidInput when a side exceeds
/// the format's maximum, 16,383.
std::string encode_webp(const Bitmap& bitmap, int quality);

/// The image, scaled down with its proportions until no side is longer than `edge`. A smaller image stays as it is.
Bitmap thumbnail(Bitmap bitmap, int edge);

}  // namespace e5v::image

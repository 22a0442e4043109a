#pragma once
#include <string>

#include "image/bitmap.h"

namespace e5v::image {

/// A JPEG file (baseline, 4:2:0) of a picture, which has pixels. quality is libjpeg's, 1 to 100. Throws InvalidInput
/// when a side is longer than the format has it.
std::string encode_jpeg(const Bitmap& bitmap, int quality);

/// A PNG file of a picture, which has pixels. Throws InvalidInput when libpng cannot write it.
std::string encode_png(const Bitmap& bitmap);

/// The picture scaled down, in its proportions, until neither side is longer than `edge`; itself if none is.
Bitmap thumbnail(Bitmap bitmap, int edge);

}  // namespace e5v::image

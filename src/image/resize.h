#pragma once
#include "image/bitmap.h"

namespace e5v::image {

enum class Filter { bilinear, bicubic };

/// The picture at width x height pixels, byte for byte what Pillow's Image.resize((width, height), filter) gives: an
/// antialiasing kernel that grows with the reduction, columns first, 8-bit values between the two passes.
/// Throws InvalidInput when either size has no pixels. Source: Pillow's documentation and behaviour (the goldens).
Bitmap resize(const Bitmap& source, int width, int height, Filter filter);
Bitmap resize_bicubic(const Bitmap& source, int width, int height);

}  // namespace e5v::image

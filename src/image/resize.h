#pragma once
#include <cstdint>

#include "image/bitmap.h"

namespace e5v::image {

enum class Filter { bilinear, bicubic };

/// The image with width x height pixels, with the bytes of Pillow's Image.resize((width, height), filter). The
/// antialiasing kernel grows with the reduction. Columns come first, and values between the passes have 8 bits. Throws
/// InvalidInput when either size has no pixels. Source: Pillow's documentation and behaviour (the goldens).
Bitmap resize(const Bitmap& source, int width, int height, Filter filter);

/// The size of an image that need not fit in memory.
struct Extent {
  std::int64_t width = 0, height = 0;
};

/// A rectangle of such an image.
struct Part {
  std::int64_t left = 0, top = 0;
  int width = 0, height = 0;
};

/// A part of the image at the size `whole`, with the bytes of the whole result. Throws InvalidInput when a size has no
/// pixels or the part is not inside.
Bitmap resize_part(const Bitmap& source, const Extent& whole, const Part& part, Filter filter);

Bitmap resize_bicubic(const Bitmap& source, int width, int height);

}  // namespace e5v::image

#pragma once
#include <cstdint>

#include "image/bitmap.h"

namespace e5v::image {

enum class Filter { bilinear, bicubic };

/// The picture at width x height pixels, byte for byte what Pillow's Image.resize((width, height), filter) gives: an
/// antialiasing kernel that grows with the reduction, columns first, 8-bit values between the two passes.
/// Throws InvalidInput when either size has no pixels. Source: Pillow's documentation and behaviour (the goldens).
Bitmap resize(const Bitmap& source, int width, int height, Filter filter);

/// The size of a picture that need not fit in memory.
struct Extent {
  std::int64_t width = 0, height = 0;
};

/// A rectangle of such a picture.
struct Part {
  std::int64_t left = 0, top = 0;
  int width = 0, height = 0;
};

/// A part of the picture at `whole` pixels, the same bytes as when all of it is computed. Throws InvalidInput when a
/// size has no pixels or the part is not inside.
Bitmap resize_part(const Bitmap& source, const Extent& whole, const Part& part, Filter filter);

Bitmap resize_bicubic(const Bitmap& source, int width, int height);

}  // namespace e5v::image

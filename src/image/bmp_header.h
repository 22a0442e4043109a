#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "image/codec.h"

namespace e5v::image {

/// The bits of a channel in a pixel: `width` bits, of which the lowest has the value 2^shift.
struct BmpMask {
  int width = 0, shift = 0;
};

/// The headers of a BMP file.
struct BmpHeader {
  std::int64_t width = 0, height = 0;
  bool top_down = false;
  int bits = 0;                                          ///< of a pixel: 1, 4, 8 (indices of colours), 16, 24 or 32
  bool run_length = false;                               ///< RLE4 or RLE8, by the number of bits
  std::size_t palette = 0, colors = 0, color_bytes = 0;  ///< place, number and size of the colours
  std::size_t pixels = 0;                                ///< where the pixels begin
  std::array<BmpMask, 3> color{};                        ///< red, green, blue; for more than 8 bits
  BmpMask alpha;                                         ///< of width 0: the image is opaque
};

/// Reads the headers of OS/2 1 and of Windows 3 to 5. Accepts what Pillow accepts, and throws InvalidInput for other
/// depths, compressions (JPEG, PNG) and masks. The size is only checked to be no overflow.
BmpHeader read_bmp_header(const Encoded& file);

}  // namespace e5v::image

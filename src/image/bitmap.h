#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace e5v::image {

/// An RGB image, 8 bits per channel: pixels [height, width, 3], rows from the top.
struct Bitmap {
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;

  Bitmap() = default;
  /// A black bitmap.
  Bitmap(int w, int h) : width(w), height(h), pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3) {}

  std::size_t stride() const { return static_cast<std::size_t>(width) * 3; }
  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * stride(); }
  const std::uint8_t* row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * stride(); }
};

}  // namespace e5v::image

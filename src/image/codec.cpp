#include "image/codec.h"

#include <limits>

#include "base/error.h"

namespace e5v::image {

void check_size(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format) {
  constexpr std::int64_t kMaxEdge = std::numeric_limits<std::int32_t>::max();
  require(width > 0 && height > 0 && width <= kMaxEdge && height <= kMaxEdge,
          "[{}] {}: expected an image with pixels, found a size of {}x{}", file.origin, format, width, height);
  require(width * height <= file.max_pixels, "[{}] {}: expected at most {} pixels, found {}x{}", file.origin, format,
          file.max_pixels, width, height);
}

Bitmap allocate_bitmap(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format) {
  check_size(width, height, file, format);
  return Bitmap(static_cast<int>(width), static_cast<int>(height));
}

}  // namespace e5v::image

#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "image/bitmap.h"

// The three formats behind decode(). Each takes a whole file that starts with the format's signature, checks its size
// against max_pixels before it allocates, and throws InvalidInput led by [origin]. Orientation is not applied.

namespace e5v::image {

struct Encoded {
  std::span<const std::byte> bytes;
  std::string_view origin;
  std::int64_t max_pixels = 0;

  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }
  std::size_t size() const { return bytes.size(); }
};

Bitmap decode_jpeg(const Encoded& file);
Bitmap decode_png(const Encoded& file);
Bitmap decode_webp(const Encoded& file);

/// A black picture of that size, once the size is known to be acceptable. `format` is for the message.
Bitmap allocate_bitmap(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format);

}  // namespace e5v::image

#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "image/bitmap.h"

// The three formats behind decode(). Each takes a whole file that starts with the format's signature, checks its size
// against max_pixels before it allocates, and throws InvalidInput led by [origin]. Orientation is not applied.
// Transparent pixels are laid on white unless drop_alpha is set.

namespace e5v::image {

struct Encoded {
  std::span<const std::byte> bytes;
  std::string_view origin;
  std::int64_t max_pixels = 0;
  bool drop_alpha = false;

  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }
  std::size_t size() const { return bytes.size(); }
};

Bitmap decode_jpeg(const Encoded& file);
Bitmap decode_png(const Encoded& file);
Bitmap decode_webp(const Encoded& file);

/// Throws unless a picture of that size is acceptable. `format` is for the message.
void check_size(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format);

/// A black picture of that size, once it is checked.
Bitmap allocate_bitmap(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format);

}  // namespace e5v::image

#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "image/bitmap.h"

// The decoders of the three formats. Each takes a whole file that begins with the format's signature, and checks the
// size against max_pixels before it allocates. Throws InvalidInput, which begins with [origin]. Orientation is not
// applied. Transparent pixels are laid on white unless drop_alpha is set.

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

/// Throws unless an image of that size is acceptable. `format` is for the message.
void check_size(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format);

/// A black image of that size. Checks the size.
Bitmap allocate_bitmap(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format);

}  // namespace e5v::image

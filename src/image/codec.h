#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "image/bitmap.h"

// The decoders. Each takes a whole file that begins with the format's signature, and checks the size against max_pixels
// before it allocates. Throws InvalidInput, which begins with [origin]. Orientation is not applied. Transparent pixels
// are laid on white unless drop_alpha is set.

namespace e5v::image {

struct Encoded {
  std::span<const std::byte> bytes;
  std::string_view origin;
  std::int64_t max_pixels = 0;
  bool drop_alpha = false;

  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }
  std::size_t size() const { return bytes.size(); }
};

/// The size of a stored image in pixels.
struct StoredSize {
  std::int64_t width = 0, height = 0;
};

/// What can be asked of the files of one format.
struct Codec {
  Bitmap (*decode)(const Encoded& file);
  StoredSize (*size)(const Encoded& file);            ///< from the header; it may exceed max_pixels
  int (*orientation)(const Encoded& file) = nullptr;  ///< 1 to 8; null: the format has none
};

extern const Codec kJpegCodec, kPngCodec, kWebpCodec, kGifCodec, kBmpCodec;

/// Throws unless an image of that size is acceptable. `format` is for the message.
void check_size(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format);

/// A black image of that size. Checks the size.
Bitmap allocate_bitmap(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format);

}  // namespace e5v::image

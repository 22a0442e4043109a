#pragma once
#include <cstddef>
#include <cstdint>

#include "e5v/error.h"
#include "image/codec.h"
#include "image/orientation.h"

namespace e5v::fuzz {

/// Whatever the bytes: an image and its header, or an InvalidInput. The pixel limit keeps a run's memory small.
inline void read_image(const image::Codec& codec, const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const image::Encoded file{bytes, "fuzz", 1 << 20, size % 2 != 0};
  try {
    codec.size(file);
    const image::Bitmap bitmap = codec.decode(file);
    if (codec.orientation != nullptr) image::oriented(bitmap, codec.orientation(file));
  } catch (const InvalidInput&) {
  }
}

}  // namespace e5v::fuzz

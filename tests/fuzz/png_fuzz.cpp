#include <cstddef>
#include <cstdint>

#include "e5v/error.h"
#include "image/codec.h"
#include "image/orientation.h"

// Whatever the bytes: an image or an InvalidInput. The pixel limit keeps a run's memory small.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool drop_alpha = size % 2 != 0;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const e5v::image::Bitmap bitmap = e5v::image::kPngCodec.decode({bytes, "fuzz", 1 << 20, drop_alpha});
    e5v::image::oriented(bitmap, e5v::image::png_orientation(bytes));
  } catch (const e5v::InvalidInput&) {
  }
  return 0;
}

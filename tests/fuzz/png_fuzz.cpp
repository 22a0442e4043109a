#include "image_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  e5v::fuzz::read_image(e5v::image::kPngCodec, data, size);
  return 0;
}

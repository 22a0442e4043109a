#include "image_fuzz.h"

extern "C" const e5v::image::Codec* e5v_open_codec_2();  // of the module, which is linked here

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  e5v::fuzz::read_image(*e5v_open_codec_2(), data, size);
  return 0;
}

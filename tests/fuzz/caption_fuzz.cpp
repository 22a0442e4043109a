#include <cstddef>
#include <cstdint>

#include "drawing/text_image.h"
#include "e5v/error.h"

// Whatever the caption: an image or an InvalidInput, by either layout.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using e5v::drawing::TextLayout;
  static const e5v::drawing::TextPainter raqm({.layout = TextLayout::raqm, .width = 200, .height = 100, .size = 12});
  static const e5v::drawing::TextPainter basic({.layout = TextLayout::basic, .width = 200, .height = 100, .size = 12});
  const std::string_view caption(reinterpret_cast<const char*>(data), size);
  try {
    raqm.paint(caption);
    basic.paint(caption);
  } catch (const e5v::InvalidInput&) {
  }
  return 0;
}

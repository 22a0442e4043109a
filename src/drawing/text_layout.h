#pragma once
#include <string_view>
#include <vector>

#include "drawing/font.h"
#include "drawing/text_image.h"

namespace e5v::drawing {

/// A line as glyphs with their places: whole pixels right of the line's start and above its baseline.
struct GlyphRun {
  struct Placed {
    std::uint32_t glyph = 0;
    std::int64_t x = 0, y = 0;
  };
  std::vector<Placed> glyphs;
  std::int64_t length = 0;    ///< where a following text would begin, in 64ths of a pixel
  std::int64_t furthest = 0;  ///< where the pen has been, in pixels, at least 0
};

/// Lays out a line as Pillow 9.4 does, either way; see TextLayout. Throws InvalidInput when the font is broken,
/// DeviceError when raqm fails.
GlyphRun lay_out(const Font& font, TextLayout layout, std::u32string_view line);

/// The line's bounding box about the point where it is drawn, which lies an ascender above the baseline: of its glyphs
/// and of the pen's way. Source: Pillow's ImageFont.getbbox with the anchor "la".
TextBox box_of(const Font& font, const GlyphRun& run);

/// The version of raqm: "0.7.0".
std::string_view raqm_version();

}  // namespace e5v::drawing

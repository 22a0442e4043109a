#include "drawing/text_layout.h"

#include <raqm.h>

#include <algorithm>
#include <span>

#include "base/error.h"

namespace e5v::drawing {
namespace {

/// Where the pen is, and the run it leaves behind.
struct Pen {
  GlyphRun run;

  void put(std::uint32_t glyph, std::int64_t dx, std::int64_t dy, std::int64_t advance) {
    run.glyphs.push_back({glyph, to_pixels(run.length + dx), to_pixels(dy)});
    run.length += advance;
    run.furthest = std::max(run.furthest, to_pixels(run.length));
  }
};

GlyphRun lay_out_basic(const Font& font, std::u32string_view line) {
  Pen pen;
  std::uint32_t glyph = font.glyph_of(line.front());
  for (std::size_t i = 0; i < line.size(); ++i) {
    const std::uint32_t next = i + 1 < line.size() ? font.glyph_of(line[i + 1]) : 0;
    // Pillow 9.4 adds the kerning in pixels to an advance in 64ths: a pixel of it counts as a 64th.
    const std::int64_t kerning = glyph != 0 && next != 0 ? to_pixels(font.kerning(glyph, next)) : 0;
    pen.put(glyph, 0, 0, font.advance(glyph) + kerning);
    glyph = next;
  }
  return std::move(pen.run);
}

GlyphRun lay_out_raqm(const Font& font, std::u32string_view line) {
  const std::unique_ptr<raqm_t, decltype(&raqm_destroy)> raqm(raqm_create(), raqm_destroy);
  static_assert(sizeof(char32_t) == sizeof(std::uint32_t));
  const auto* characters = reinterpret_cast<const std::uint32_t*>(line.data());
  require<DeviceError>(raqm && raqm_set_text(raqm.get(), characters, line.size()) &&
                           raqm_set_par_direction(raqm.get(), RAQM_DIRECTION_DEFAULT) &&
                           raqm_set_freetype_face(raqm.get(), font.face()) && raqm_layout(raqm.get()),
                       "[raqm] a line of {} characters cannot be laid out", line.size());
  std::size_t count = 0;
  const raqm_glyph_t* glyphs = raqm_get_glyphs(raqm.get(), &count);
  Pen pen;
  for (const raqm_glyph_t& glyph : std::span(glyphs, count))
    pen.put(glyph.index, glyph.x_offset, glyph.y_offset, glyph.x_advance);
  return std::move(pen.run);
}

}  // namespace

GlyphRun lay_out(const Font& font, TextLayout layout, std::u32string_view line) {
  if (line.empty()) return {};
  return layout == TextLayout::basic ? lay_out_basic(font, line) : lay_out_raqm(font, line);
}

TextBox box_of(const Font& font, const GlyphRun& run) {
  if (run.glyphs.empty()) return {};
  GlyphBox all{0, 0, run.furthest, 0};
  for (const GlyphRun::Placed& placed : run.glyphs) {
    const GlyphBox box = font.box(placed.glyph);
    all.left = std::min(all.left, placed.x + box.left);
    all.right = std::max(all.right, placed.x + box.right);
    all.bottom = std::min(all.bottom, placed.y + box.bottom);
    all.top = std::max(all.top, placed.y + box.top);
  }
  return {all.left, font.ascender() - all.top, all.right, font.ascender() - all.bottom};
}

std::string_view raqm_version() { return raqm_version_string(); }

}  // namespace e5v::drawing

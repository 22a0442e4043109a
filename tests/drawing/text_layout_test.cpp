#include "drawing/text_layout.h"

#include <gmock/gmock.h>

// Numbers are those of Pillow 13 at 40 pixels: getlength() in 64ths, and getbbox().

namespace e5v::drawing {
namespace {

using testing::ElementsAre;

class TextLayoutTest : public testing::Test {
 protected:
  GlyphRun run(TextLayout layout, std::u32string_view line) const { return lay_out(font_, layout, line); }
  std::vector<std::int64_t> places(TextLayout layout, std::u32string_view line) const {
    std::vector<std::int64_t> found;
    for (const GlyphRun::Placed& placed : run(layout, line).glyphs) found.push_back(placed.x);
    return found;
  }
  std::vector<std::uint32_t> glyphs(TextLayout layout, std::u32string_view line) const {
    std::vector<std::uint32_t> indices;
    for (const GlyphRun::Placed& placed : run(layout, line).glyphs) indices.push_back(placed.glyph);
    return indices;
  }
  TextBox box(TextLayout layout, std::u32string_view line) const { return box_of(font_, run(layout, line)); }

  const Font font_{default_font(), 40};
};

TEST_F(TextLayoutTest, AnEmptyLineTakesNothing) {
  for (const TextLayout layout : {TextLayout::basic, TextLayout::raqm}) {
    EXPECT_TRUE(run(layout, U"").glyphs.empty());
    EXPECT_EQ(run(layout, U"").length, 0);
    EXPECT_EQ(box(layout, U""), TextBox{});
  }
}

// H is 28.9 pixels wide, i and l 8.9.
TEST_F(TextLayoutTest, BasicWidthsAreWholePixels) {
  EXPECT_THAT(places(TextLayout::basic, U"Hill"), ElementsAre(0, 29, 38, 47));
  EXPECT_EQ(run(TextLayout::basic, U"Hill").length, 64 * 56);
  EXPECT_EQ(run(TextLayout::basic, U"Hill").furthest, 56);
}

TEST_F(TextLayoutTest, RaqmWidthsAreThoseOfTheFont) {
  EXPECT_THAT(places(TextLayout::raqm, U"Hill"), ElementsAre(0, 29, 38, 47));
  EXPECT_EQ(run(TextLayout::raqm, U"Hill").length, 3556);
}

// Pillow's basic layout adds the three pixels of kerning as 64ths.
TEST_F(TextLayoutTest, KerningBringsGlyphsTogether) {
  EXPECT_EQ(run(TextLayout::basic, U"AV").length, 64 * 54 - 3);
  EXPECT_THAT(places(TextLayout::basic, U"AV"), ElementsAre(0, 27));
  EXPECT_EQ(run(TextLayout::raqm, U"AV").length, 3226);
  EXPECT_THAT(places(TextLayout::raqm, U"AV"), ElementsAre(0, 24));
}

TEST_F(TextLayoutTest, RaqmWritesFromRightToLeft) {
  // Hebrew sets the direction of the line; the number in it keeps its own.
  EXPECT_EQ(glyphs(TextLayout::raqm, U"\u05D0\u05D1 12"), glyphs(TextLayout::basic, U"12 \u05D1\u05D0"));
  EXPECT_EQ(glyphs(TextLayout::raqm, U"12 ab"), glyphs(TextLayout::basic, U"12 ab"));
  // The "right-to-left override" is a glyph that draws nothing, before the glyphs that it turns.
  const auto turned = glyphs(TextLayout::raqm, U"\u202Eabc");
  ASSERT_EQ(turned.size(), 4u);
  EXPECT_EQ(std::vector(turned.begin() + 1, turned.end()), glyphs(TextLayout::basic, U"cba"));
}

TEST_F(TextLayoutTest, BoxesAreAboutGlyphsAndThePensWay) {
  EXPECT_EQ(box(TextLayout::basic, U"AV"), (TextBox{0, 9, 54, 37}));
  EXPECT_EQ(box(TextLayout::raqm, U"AV"), (TextBox{0, 9, 51, 37}));
  EXPECT_EQ(box(TextLayout::basic, U"j"), (TextBox{-1, 8, 9, 45}));
  EXPECT_EQ(box(TextLayout::raqm, U"Hill"), (TextBox{0, 8, 56, 37}));
}

TEST_F(TextLayoutTest, TellsItsVersion) {
  EXPECT_THAT(std::string(raqm_version()), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace e5v::drawing

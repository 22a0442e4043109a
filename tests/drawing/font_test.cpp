#include "drawing/font.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "drawing/text_image.h"
#include "temporary_folder.h"

namespace e5v::drawing {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::ThrowsMessage;

/// Liberation Sans with a pixel for each of its 2048 units, and at the size of E5-V's captions.
constexpr int kUnits = 2048, kCaptions = 40;

TEST(Font, MetricsAreThoseOfTheFile) {
  const Font font(default_font(), kUnits);
  EXPECT_EQ(font.ascender(), 1854);
  EXPECT_EQ(font.advance(font.glyph_of(U'A')), 64 * 1366);
  EXPECT_EQ(font.advance(font.glyph_of(U'W')), 64 * 1933);
  EXPECT_EQ(font.advance(font.glyph_of(U' ')), 64 * 569);
  EXPECT_EQ(font.kerning(font.glyph_of(U'A'), font.glyph_of(U'V')), -64 * 152);
  EXPECT_EQ(font.kerning(font.glyph_of(U'H'), font.glyph_of(U'H')), 0);
}

TEST(Font, SmallSizesAreHintedToWholePixels) {
  const Font font(default_font(), kCaptions);
  EXPECT_EQ(font.ascender(), 37);                         // 36.2
  EXPECT_EQ(font.advance(font.glyph_of(U'A')), 64 * 27);  // 26.7
  EXPECT_EQ(font.advance(font.glyph_of(U'i')), 64 * 9);   // 8.9
  EXPECT_EQ(font.kerning(font.glyph_of(U'A'), font.glyph_of(U'V')), -64 * 3);
}

TEST(Font, CharactersHaveGlyphsOfTheirOwnOrNone) {
  const Font font(default_font(), kCaptions);
  EXPECT_NE(font.glyph_of(U'A'), font.glyph_of(U'B'));
  EXPECT_NE(font.glyph_of(U'ß'), 0u);
  EXPECT_EQ(font.glyph_of(U'🐈'), 0u);
}

TEST(Font, AGlyphImageFillsItsBox) {
  const Font font(default_font(), kCaptions);
  for (const char32_t character : U"Aj.é") {
    if (character == 0) break;
    const GlyphBox box = font.box(font.glyph_of(character));
    const GlyphImage image = font.image(font.glyph_of(character));
    EXPECT_EQ(image.left, box.left);
    EXPECT_EQ(image.top, box.top);
    EXPECT_EQ(image.width, box.right - box.left);
    EXPECT_EQ(image.rows, box.top - box.bottom);
    EXPECT_EQ(image.coverage.size(), static_cast<std::size_t>(image.width * image.rows));
  }
  const GlyphBox descender = font.box(font.glyph_of(U'j'));
  EXPECT_EQ(descender.left, -1);
  EXPECT_EQ(descender.bottom, -8);
  EXPECT_EQ(descender.top, 29);
}

TEST(Font, APeriodIsARectangleAndABlankIsNothing) {
  const Font font(default_font(), kUnits);
  const GlyphImage period = font.image(font.glyph_of(U'.')), blank = font.image(font.glyph_of(U' '));
  EXPECT_EQ(period.left, 187);
  EXPECT_EQ(period.top, 219);
  EXPECT_EQ(period.width, 195);
  EXPECT_EQ(period.rows, 219);
  EXPECT_THAT(period.coverage, Each(255));
  EXPECT_EQ(blank.width, 0);
  EXPECT_THAT(blank.coverage, IsEmpty());
}

TEST(Font, PixelsAreRoundedHalvesUpwards) {
  EXPECT_EQ(to_pixels(31), 0);
  EXPECT_EQ(to_pixels(32), 1);
  EXPECT_EQ(to_pixels(-32), 0);
  EXPECT_EQ(to_pixels(-33), -1);
}

TEST(Font, TellsItsVersion) {
  EXPECT_THAT(Font(default_font(), kCaptions).engine(), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(Font, SaysWhatIsWrongWithAFile) {
  const e5v::test::TemporaryFolder folder;
  const auto message_is = [](const std::string& part) { return ThrowsMessage<InvalidInput>(HasSubstr(part)); };
  EXPECT_THAT([&] { Font(folder.path() / "arial.ttf", kCaptions); },
              message_is("arial.ttf] font: no such file; the default font is in Debian's fonts-liberation"));
  EXPECT_THAT([&] { Font(folder.path(), kCaptions); }, message_is("is a folder"));
  EXPECT_THAT([&] { Font(folder.write("empty.ttf", ""), kCaptions); }, message_is("found 0 bytes that are none"));
  EXPECT_THAT([&] { Font(folder.write("text.ttf", "hello"), kCaptions); },
              message_is("text.ttf] font: expected a TrueType or OpenType font, found 5 bytes that are none"));
}

TEST(Font, SizesAreCheckedByMessage) {
  for (const int size : {0, -1})
    EXPECT_THAT([&] { Font(default_font(), size); },
                ThrowsMessage<InvalidInput>(
                    HasSubstr(fmt::format("font: expected one with a size of {} pixels, found none", size))));
  const Font huge(default_font(), 20000);
  EXPECT_THAT([&] { huge.image(huge.glyph_of(U'W')); },
              ThrowsMessage<InvalidInput>(HasSubstr("pixels, more than 8192")));
  EXPECT_THAT([&] { huge.advance(1'000'000); },
              ThrowsMessage<InvalidInput>(HasSubstr("font: expected glyph 1000000 to be drawable, found FreeType's")));
}

}  // namespace
}  // namespace e5v::drawing

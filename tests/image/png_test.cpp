#include <gmock/gmock.h>

#include "image_files.h"

namespace e5v::image {
namespace {

using test::decode_text;
using test::make_png;
using test::refusal_of;
using testing::HasSubstr;

TEST(Png, ExpandsSmallGreyDepths) {
  const std::string line("\0\x1B", 2);  // filter 0, bits 00011011
  EXPECT_EQ(decode_text(make_png({.width = 4, .depth = 2, .color = 0}, line)).pixels,
            (std::vector<std::uint8_t>{0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255}));
  EXPECT_EQ(decode_text(make_png({.width = 2, .depth = 4, .color = 0}, line)).pixels,
            (std::vector<std::uint8_t>{17, 17, 17, 187, 187, 187}));
  EXPECT_EQ(decode_text(make_png({.width = 2, .depth = 1, .color = 0}, std::string("\0\x40", 2))).pixels,
            (std::vector<std::uint8_t>{0, 0, 0, 255, 255, 255}));
}

TEST(Png, ClipsGrey16AndChopsOther16BitSamples) {
  const std::string grey("\0\x00\x07\x01\x00\xFF\xFF", 7);
  EXPECT_EQ(decode_text(make_png({.width = 3, .depth = 16, .color = 0}, grey)).pixels,
            (std::vector<std::uint8_t>{7, 7, 7, 255, 255, 255, 255, 255, 255}));
  const std::string rgba("\0\x12\xFF\x34\xFF\x56\xFF\x00\x00", 9);
  EXPECT_EQ(decode_text(make_png({.depth = 16, .color = 6}, rgba), {.drop_alpha = true}).pixels,
            (std::vector<std::uint8_t>{0x12, 0x34, 0x56}));
  const std::string grey_alpha("\0\x12\xFF\x00\x00", 5);
  EXPECT_EQ(decode_text(make_png({.depth = 16, .color = 4}, grey_alpha), {.drop_alpha = true}).pixels,
            (std::vector<std::uint8_t>{0x12, 0x12, 0x12}));
}

TEST(Png, LaysTransparentColorsOnWhiteUnlessTold) {
  const std::string rgb("\0\x01\x02\x03", 4), gamma = test::png_chunk("gAMA", test::big_endian(100000, 4));
  const std::string transparent = test::png_chunk("tRNS", std::string("\0\x01\0\x02\0\x03", 6));
  const std::string file = make_png({}, rgb, gamma + transparent);
  EXPECT_EQ(decode_text(file).pixels, (std::vector<std::uint8_t>{255, 255, 255}));
  EXPECT_EQ(decode_text(file, {.drop_alpha = true}).pixels, (std::vector<std::uint8_t>{1, 2, 3}));
  const std::string palette = test::png_chunk("PLTE", "abcdef") + test::png_chunk("tRNS", std::string("\0", 1));
  const std::string indexed = make_png({.width = 3, .depth = 2, .color = 3}, std::string("\0\x14", 2), palette);
  EXPECT_EQ(decode_text(indexed).pixels, (std::vector<std::uint8_t>{255, 255, 255, 'd', 'e', 'f', 'd', 'e', 'f'}));
  EXPECT_EQ(decode_text(indexed, {.drop_alpha = true}).pixels,
            (std::vector<std::uint8_t>{'a', 'b', 'c', 'd', 'e', 'f', 'd', 'e', 'f'}));
}

TEST(Png, PaletteEntriesThatAreMissingAreBlack) {
  const std::string palette = test::png_chunk("PLTE", "abcdef");
  EXPECT_EQ(decode_text(make_png({.width = 3, .color = 3}, std::string("\0\1\2\xFF", 4), palette)).pixels,
            (std::vector<std::uint8_t>{'d', 'e', 'f', 0, 0, 0, 0, 0, 0}));
}

TEST(Png, ReadsInterlacedFiles) {
  // 2x2, passes 1 (pixel 0,0), 6 (1,0) and 7 (row 1).
  const std::string passes("\0\x0A\0\x14\0\x1E\x28", 7);
  const Bitmap bitmap = decode_text(make_png({.width = 2, .height = 2, .color = 0, .interlace = 1}, passes));
  EXPECT_EQ(bitmap.pixels, (std::vector<std::uint8_t>{10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40}));
}

TEST(Png, DamagedFilesAreRefusedByMessage) {
  std::string png = test::golden_image("img06_rgba_400x300.png");
  png[png.find("IDAT") + 40] ^= 0x55;
  EXPECT_THAT(refusal_of(png), HasSubstr("PNG: expected decodable data, found: "));
  std::string header = test::golden_image("img06_rgba_400x300.png");
  header[19] ^= 1;
  EXPECT_THAT(refusal_of(header), HasSubstr("CRC"));
  EXPECT_NE(refusal_of(test::make_png({.width = 0}, std::string("\0", 1))), "no error");
  EXPECT_NE(refusal_of(test::make_png({.depth = 3}, std::string("\0\0\0\0", 4))), "no error");
  EXPECT_NE(refusal_of(test::make_png({.color = 3}, std::string("\0\0", 2))), "no error") << "no palette";
  EXPECT_NE(refusal_of(test::make_png({.height = 3}, std::string("\0\1\2\3", 4))), "no error") << "too few rows";
}

TEST(Png, TransparencyThatPillowRefusesIsRefused) {
  const std::string pixel("\0\1\2\3", 4);
  EXPECT_THAT(refusal_of(test::make_png({}, pixel, test::png_chunk("tRNS", "abcd"))),
              HasSubstr("PNG: expected a chunk tRNS of 6 bytes, found 4"));
  EXPECT_THAT(refusal_of(test::make_png({.color = 0}, std::string("\0\1", 2), test::png_chunk("tRNS", "a"))),
              HasSubstr("PNG: expected a chunk tRNS of 2 bytes, found 1"));
  const std::string palette = test::png_chunk("PLTE", "abc") + test::png_chunk("tRNS", std::string(257, 'x'));
  EXPECT_THAT(refusal_of(test::make_png({.color = 3}, std::string("\0\0", 2), palette)),
              HasSubstr("PNG: expected at most 256 bytes in the chunk tRNS, found 257"));
  std::string damaged = test::png_chunk("tRNS", "abcdef");
  damaged.back() ^= 1;
  EXPECT_THAT(refusal_of(test::make_png({}, pixel, damaged)), HasSubstr("checksum of the chunk tRNS"));
}

}  // namespace
}  // namespace e5v::image

#include "image/decode.h"

#include <gtest/gtest.h>
#include <webp/encode.h>

#include <numeric>

#include "image/alpha.h"
#include "image_files.h"

namespace e5v::image {
namespace {

using test::decode_text;
using test::make_png;

TEST(Decode, GivesThePixelsOfPil) {
  int images = 0;
  for (const Json& row : read_json(test::golden("preprocess/preprocess.json"))) {
    const std::string name = row["file"];
    SCOPED_TRACE(name);
    const Bitmap bitmap =
        decode_text(test::golden_image(name), {.apply_exif = row["exif_transposed"].get<bool>(), .drop_alpha = true});
    EXPECT_EQ(bitmap.width, row["width"]);
    EXPECT_EQ(bitmap.height, row["height"]);
    EXPECT_EQ(test::crc_of(bitmap.pixels), row["rgb"]["crc32"].get<std::uint32_t>());
    const auto samples = row["rgb"]["samples"].get<std::vector<int>>();
    const auto stride = row["rgb"]["sample_stride"].get<std::size_t>();
    for (std::size_t i = 0; i < samples.size(); ++i) ASSERT_EQ(bitmap.pixels[i * stride], samples[i]) << i;
    ++images;
  }
  EXPECT_EQ(images, 23);
}

TEST(Decode, AppliesExifUnlessTold) {
  const std::string file = test::golden_image("img09_exif6_480x320.jpg");
  EXPECT_EQ(decode_text(file).height, 480);
  EXPECT_EQ(decode_text(file, {.apply_exif = false}).height, 320);
}

TEST(DecodePng, ExpandsSmallGreyDepths) {
  const std::string line("\0\x1B", 2);  // filter 0, bits 00011011
  EXPECT_EQ(decode_text(make_png({.width = 4, .depth = 2, .color = 0}, line)).pixels,
            (std::vector<std::uint8_t>{0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255}));
  EXPECT_EQ(decode_text(make_png({.width = 2, .depth = 4, .color = 0}, line)).pixels,
            (std::vector<std::uint8_t>{17, 17, 17, 187, 187, 187}));
  EXPECT_EQ(decode_text(make_png({.width = 2, .depth = 1, .color = 0}, std::string("\0\x40", 2))).pixels,
            (std::vector<std::uint8_t>{0, 0, 0, 255, 255, 255}));
}

TEST(DecodePng, ClipsGrey16AndChopsOther16BitSamples) {
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

TEST(DecodePng, LaysTransparentColorsOnWhiteUnlessTold) {
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

TEST(DecodePng, PaletteEntriesThatAreMissingAreBlack) {
  const std::string palette = test::png_chunk("PLTE", "abcdef");
  EXPECT_EQ(decode_text(make_png({.width = 3, .color = 3}, std::string("\0\1\2\xFF", 4), palette)).pixels,
            (std::vector<std::uint8_t>{'d', 'e', 'f', 0, 0, 0, 0, 0, 0}));
}

TEST(DecodePng, ReadsInterlacedFiles) {
  // 2x2, passes 1 (pixel 0,0), 6 (1,0) and 7 (row 1).
  const std::string passes("\0\x0A\0\x14\0\x1E\x28", 7);
  const Bitmap bitmap = decode_text(make_png({.width = 2, .height = 2, .color = 0, .interlace = 1}, passes));
  EXPECT_EQ(bitmap.pixels, (std::vector<std::uint8_t>{10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40}));
}

std::string webp_chunk(const std::vector<std::uint8_t>& rgba, int width, int height) {
  std::uint8_t* encoded = nullptr;
  // The exact variant of the encoder would keep colours under full transparency; alpha here is never 0.
  const std::size_t size = WebPEncodeLosslessRGBA(rgba.data(), width, height, width * 4, &encoded);
  const std::string file(reinterpret_cast<const char*>(encoded), size);
  WebPFree(encoded);
  return file.substr(12);
}

std::vector<std::uint8_t> some_rgba(std::size_t pixels) {
  std::vector<std::uint8_t> rgba(pixels * 4);
  for (std::size_t i = 0; i < rgba.size(); ++i) rgba[i] = static_cast<std::uint8_t>(i * 37 + 1);
  for (std::size_t i = 3; i < rgba.size(); i += 4) rgba[i] = static_cast<std::uint8_t>(128 + i % 100);
  return rgba;
}

std::vector<std::uint8_t> without_alpha(const std::vector<std::uint8_t>& rgba) {
  std::vector<std::uint8_t> rgb;
  for (std::size_t i = 0; i < rgba.size(); ++i)
    if (i % 4 != 3) rgb.push_back(rgba[i]);
  return rgb;
}

TEST(DecodeWebp, DropsAlphaWhenTold) {
  const auto rgba = some_rgba(5 * 3);
  const Bitmap bitmap = decode_text(test::webp_file(webp_chunk(rgba, 5, 3)), {.drop_alpha = true});
  EXPECT_EQ(bitmap.width, 5);
  EXPECT_EQ(bitmap.height, 3);
  EXPECT_EQ(bitmap.pixels, without_alpha(rgba));
}

/// An animation of one frame, 2x2 at (2, 0) of a 4x2 canvas.
std::string animation(const std::string& frame, bool says_alpha) {
  const std::uint32_t flags = says_alpha ? 0x02 | 0x10 : 0x02;
  const std::string header =
      test::riff_chunk("VP8X", test::little_endian(flags, 4) + test::little_endian(3, 3) + test::little_endian(1, 3));
  const std::string place = test::little_endian(1, 3) + test::little_endian(0, 3) + test::little_endian(1, 3) +
                            test::little_endian(1, 3) + test::little_endian(100, 3) + std::string(1, '\0');
  return test::webp_file(header + test::riff_chunk("ANIM", std::string(6, '\xFF')) +
                         test::riff_chunk("ANMF", place + frame));
}

// What the frame leaves open is transparent black, where the file says that it has transparent pixels.
TEST(DecodeWebp, TakesTheFirstFrameOfAnAnimation) {
  const auto rgba = some_rgba(4);
  const auto rgb = without_alpha(rgba);
  for (const bool says_alpha : {false, true})
    for (const bool drop : {false, true}) {
      const Bitmap bitmap = decode_text(animation(webp_chunk(rgba, 2, 2), says_alpha), {.drop_alpha = drop});
      ASSERT_EQ(bitmap.width, 4);
      ASSERT_EQ(bitmap.height, 2);
      const bool white = says_alpha && !drop;
      for (int y = 0; y < 2; ++y)
        for (int i = 0; i < 12; ++i) {
          const auto at = static_cast<std::size_t>(y * 6 + i - 6);
          const int expected = i < 6 ? (white ? 255 : 0) : white ? over_white(rgb[at], rgba[at / 3 * 4 + 3]) : rgb[at];
          EXPECT_EQ(bitmap.row(y)[i], expected) << says_alpha << drop << ' ' << y << ' ' << i;
        }
    }
}

TEST(Decode, FirstBytesTellWhetherAFileIsAnImage) {
  using namespace std::string_view_literals;
  for (const std::string_view start : {"\xFF\xD8\xFF\xE0"sv, "\x89PNG\r\n\x1A\n"sv, "RIFF\0\0\0\0WEBP"sv})
    EXPECT_TRUE(begins_as_image(start));
  for (const std::string_view start : {""sv, "\xFF\xD8"sv, "RIFF\0\0\0\0WAVE"sv, "GIF89a"sv, "<!DOCTYPE html>"sv})
    EXPECT_FALSE(begins_as_image(start));
}

}  // namespace
}  // namespace e5v::image

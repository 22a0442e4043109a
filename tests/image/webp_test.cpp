#include <gmock/gmock.h>

#include "image/alpha.h"
#include "image_files.h"
#include "webp_files.h"

namespace e5v::image {
namespace {

using test::decode_text;
using test::refusal_of;
using testing::HasSubstr;

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

TEST(Webp, LaysTransparentPixelsOnWhiteUnlessTold) {
  const auto rgba = some_rgba(5 * 3);
  const std::string file = test::webp_file(test::webp_chunk(rgba, 5, 3));
  const Bitmap bitmap = decode_text(file, {.drop_alpha = true});
  EXPECT_EQ(bitmap.width, 5);
  EXPECT_EQ(bitmap.height, 3);
  const std::vector<std::uint8_t> rgb = without_alpha(rgba);
  EXPECT_EQ(bitmap.pixels, rgb);
  const Bitmap on_white = decode_text(file);
  for (std::size_t i = 0; i < rgb.size(); ++i)
    EXPECT_EQ(on_white.pixels[i], over_white(rgb[i], rgba[i / 3 * 4 + 3])) << i;
}

/// An animation of one frame, 2x2 at (2 * column, 0) of a 4x2 canvas.
std::string animation(const std::string& frame, bool says_alpha, std::uint32_t column = 1) {
  const std::string header = test::webp_header(says_alpha ? 0x02 | 0x10 : 0x02, 4, 2);
  const std::string place = test::little_endian(column, 3) + test::little_endian(0, 3) + test::little_endian(1, 3) +
                            test::little_endian(1, 3) + test::little_endian(100, 3) + std::string(1, '\0');
  return test::webp_file(header + test::riff_chunk("ANIM", std::string(6, '\xFF')) +
                         test::riff_chunk("ANMF", place + frame));
}

// What the frame leaves open is transparent black, where the file says that it has transparent pixels.
TEST(Webp, TakesTheFirstFrameOfAnAnimation) {
  const auto rgba = some_rgba(4);
  const auto rgb = without_alpha(rgba);
  for (const bool says_alpha : {false, true})
    for (const bool drop : {false, true}) {
      const Bitmap bitmap = decode_text(animation(test::webp_chunk(rgba, 2, 2), says_alpha), {.drop_alpha = drop});
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

TEST(Webp, DamagedFilesAreRefusedByMessage) {
  std::string webp = test::lossy_webp();
  std::string name = webp;
  name.replace(12, 4, "VP9 ");
  EXPECT_THAT(refusal_of(name), HasSubstr("WebP: expected"));
  std::string start = webp;
  start[23] ^= 0x3F;  // the key frame's start code
  EXPECT_NE(refusal_of(start), "no error");
  EXPECT_THAT(refusal_of(test::webp_file("")), HasSubstr("WebP: expected"));
}

TEST(Webp, FramesLieInsideTheCanvas) {
  const std::string frame = test::webp_chunk(some_rgba(4), 2, 2);
  EXPECT_EQ(refusal_of(animation(frame, false, 1)), "no error");
  EXPECT_THAT(refusal_of(animation(frame, false, 2)), HasSubstr("WebP: expected"));
}

}  // namespace
}  // namespace e5v::image

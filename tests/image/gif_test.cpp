#include <gmock/gmock.h>

#include "format_files.h"

// tests/image/formats_pillow_test compares pixels with Pillow.

namespace e5v::image {
namespace {

using test::format_file;
using test::refusal_of;
using testing::HasSubstr;

constexpr std::size_t kGifHeader = 13, kColors = 48, kFrame = kGifHeader + kColors;  // of the file "palette"

TEST(Gif, CutFilesAreRefusedUpToTheLastPixel) {
  test::expect_cuts_refused(format_file("GIF", "palette"), 4);  // the end code, and the end of the file
  test::expect_cuts_refused(format_file("GIF", "interlaced"), 4);
  const std::string file = format_file("GIF", "palette");
  EXPECT_EQ(refusal_of(file.substr(0, 70)), "[test] GIF: expected the whole image, found a file cut short at 70 bytes");
}

TEST(Gif, ChangedBytesDoNoHarm) { test::expect_changes_survived(format_file("GIF", "transparent frame in a corner")); }

TEST(Gif, TooManyPixelsAreRefused) {
  const std::string file = format_file("GIF", "palette"), large = test::with_number(file, 6, 0xFFFFFFFF, 4);
  EXPECT_EQ(refusal_of(large), "[test] GIF: expected at most 178956970 pixels, found 65535x65535");
  // A frame that does not fit makes the canvas larger.
  EXPECT_THAT(refusal_of(test::with_number(file, kFrame + 1, 0xFFFFFFFF, 4)), HasSubstr("found 65544x65548"));
  EXPECT_THAT(refusal_of(file, {.max_pixels = 9 * 13 - 1}), HasSubstr("found 9x13"));
}

TEST(Gif, FilesWithoutAnImageAreRefused) {
  const std::string file = format_file("GIF", "palette");
  EXPECT_EQ(refusal_of(file.substr(0, kFrame) + ";"), "[test] GIF: expected an image, found none");
  EXPECT_THAT(refusal_of(test::with_number(file, kFrame + 5, 0, 2)),
              HasSubstr("GIF: expected a frame with pixels, found a size of 0x13"));
  std::string code = file;
  code[kFrame + 10] = 13;  // bits of a pixel
  EXPECT_THAT(refusal_of(code), HasSubstr("GIF: expected decodable data, found: "));
}

}  // namespace
}  // namespace e5v::image

#include "image/orientation.h"

#include <gtest/gtest.h>

#include "image_files.h"
#include "webp_files.h"

namespace e5v::image {
namespace {

using test::bytes_of;
using test::exif_block;

/// 3x2 with the pixels 1 2 3 / 4 5 6.
Bitmap numbered() {
  Bitmap bitmap(3, 2);
  for (std::size_t i = 0; i < bitmap.pixels.size(); ++i) bitmap.pixels[i] = static_cast<std::uint8_t>(1 + i / 3);
  return bitmap;
}

std::vector<int> numbers(const Bitmap& bitmap) {
  std::vector<int> values;
  for (std::size_t i = 0; i < bitmap.pixels.size(); i += 3) values.push_back(bitmap.pixels[i]);
  return values;
}

TEST(Orientation, AllEight) {
  const std::vector<std::vector<int>> expected = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1},
                                                  {4, 5, 6, 1, 2, 3}, {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3},
                                                  {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Bitmap upright = oriented(numbered(), orientation);
    EXPECT_EQ(numbers(upright), expected[static_cast<std::size_t>(orientation - 1)]) << orientation;
    EXPECT_EQ(upright.width, orientation < 5 ? 3 : 2);
    EXPECT_EQ(upright.height, orientation < 5 ? 2 : 3);
  }
}

std::string webp_with_exif(const std::string& exif) {
  return test::webp_file(test::webp_header(8, 3, 2) + test::webp_chunk(numbered()) + test::riff_chunk("EXIF", exif));
}

TEST(Orientation, IsFoundInEveryFormatAndByteOrder) {
  const std::string jpeg = test::golden_image("img19_gray_640x426.jpg");
  const std::string scanlines("\0\1\1\1\2\2\2\3\3\3\0\4\4\4\5\5\5\6\6\6", 20);
  for (std::uint32_t orientation = 1; orientation <= 8; ++orientation)
    for (const bool big : {false, true}) {
      const int expected = static_cast<int>(orientation);
      const std::string block = exif_block(orientation, big), bare = exif_block(orientation, big, false);
      EXPECT_EQ(jpeg_orientation(bytes_of(test::with_segment(jpeg, 0xE1, block))), expected);
      const std::string png = test::make_png({.width = 3, .height = 2}, scanlines, test::png_chunk("eXIf", bare));
      EXPECT_EQ(png_orientation(bytes_of(png)), expected);
      EXPECT_EQ(numbers(test::decode_text(png)), numbers(oriented(numbered(), expected)));
      for (const std::string& exif : {block, bare}) {
        EXPECT_EQ(webp_orientation(bytes_of(webp_with_exif(exif))), expected);
        EXPECT_EQ(numbers(test::decode_text(webp_with_exif(exif))), numbers(oriented(numbered(), expected)));
      }
    }
}

TEST(Orientation, OfAJpegIsAppliedToItsPixels) {
  const std::string jpeg = test::golden_image("img19_gray_640x426.jpg");
  const Bitmap stored = test::decode_text(jpeg);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string file =
        test::with_segment(jpeg, 0xE1, exif_block(static_cast<std::uint32_t>(orientation), orientation % 2 == 0));
    EXPECT_EQ(test::decode_text(file).pixels, oriented(stored, orientation).pixels) << orientation;
    EXPECT_EQ(test::decode_text(file, {.apply_exif = false}).pixels, stored.pixels) << orientation;
  }
}

TEST(Orientation, TheFirstOfTwoExifSegmentsOfAJpegCounts) {
  const std::string jpeg = test::golden_image("img19_gray_640x426.jpg");
  const std::string late = test::with_segment(jpeg, 0xE1, exif_block(6, true));
  EXPECT_EQ(jpeg_orientation(bytes_of(test::with_segment(late, 0xE1, exif_block(3, true)))), 3);
  EXPECT_EQ(jpeg_orientation(bytes_of(test::with_segment(late, 0xE1, "http://ns.adobe.com/xap/1.0/"))), 6);
}

}  // namespace
}  // namespace e5v::image

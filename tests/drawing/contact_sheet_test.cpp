#include "drawing/contact_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace e5v::drawing {
namespace {

image::Bitmap of_color(int width, int height, std::uint8_t value) {
  image::Bitmap bitmap(width, height);
  std::ranges::fill(bitmap.pixels, value);
  return bitmap;
}

std::int64_t pixels_of(const image::Bitmap& sheet, std::uint8_t value) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < sheet.pixels.size(); i += 3)
    count += std::all_of(sheet.pixels.begin() + static_cast<std::ptrdiff_t>(i),
                         sheet.pixels.begin() + static_cast<std::ptrdiff_t>(i) + 3, [&](auto v) { return v == value; });
  return count;
}

TEST(ContactSheet, ShowsImagesAtTheirProportions) {
  const image::Bitmap sheet =
      ContactSheet().draw({{{of_color(400, 200, 77), "", 0}, {{of_color(50, 60, 99), "", 0.5f}}}});
  EXPECT_EQ(pixels_of(sheet, 77), 112 * 56) << "scaled down to the edge of a cell";
  EXPECT_EQ(pixels_of(sheet, 99), 50 * 60) << "a smaller image stays as it is";
}

TEST(ContactSheet, RowsAreOneBelowTheOther) {
  const SheetRow row{{{}, "", 0}, {{of_color(9, 9, 5), "", 0}}};
  const image::Bitmap one = ContactSheet().draw({row}), two = ContactSheet().draw({row, row});
  EXPECT_EQ(one.width, two.width);
  EXPECT_GT(two.height, one.height);
  EXPECT_EQ(pixels_of(two, 5), 2 * 9 * 9);
}

TEST(ContactSheet, WordsAreDrawn) {
  const auto dark = [](const std::string& words) {
    const image::Bitmap sheet = ContactSheet().draw({{{{}, words, 0}, {}}});
    return std::ranges::count_if(sheet.pixels, [](std::uint8_t value) { return value < 100; });
  };
  EXPECT_EQ(dark(""), 0);
  EXPECT_GT(dark("a red heart"), dark("a heart"));
}

}  // namespace
}  // namespace e5v::drawing

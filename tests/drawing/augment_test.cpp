#include "drawing/augment.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace e5v::drawing {
namespace {

/// A blue square on white, and a ramp in it.
image::Bitmap square(int edge = 48) {
  image::Bitmap bitmap(edge, edge);
  std::ranges::fill(bitmap.pixels, std::uint8_t{255});
  for (int y = edge / 4; y < 3 * edge / 4; ++y) {
    for (int x = edge / 4; x < 3 * edge / 4; ++x) {
      bitmap.row(y)[3 * x] = 20;
      bitmap.row(y)[3 * x + 1] = static_cast<std::uint8_t>(2 * x);
      bitmap.row(y)[3 * x + 2] = 200;
    }
  }
  return bitmap;
}

TEST(Augment, IsDecidedByTheStream) {
  const image::Bitmap picture = square();
  const image::Bitmap first = augment(picture, 1, Philox(1, 2));
  EXPECT_EQ(first.width, picture.width);
  EXPECT_EQ(first.height, picture.height);
  EXPECT_EQ(first.pixels, augment(picture, 1, Philox(1, 2)).pixels);
  EXPECT_NE(first.pixels, picture.pixels);
  EXPECT_NE(first.pixels, augment(picture, 1, Philox(1, 3)).pixels);
  EXPECT_NE(first.pixels, augment(picture, 1, Philox(2, 2)).pixels);
}

TEST(Augment, WithoutStrengthOrPixelsChangesNothing) {
  EXPECT_EQ(augment(square(), 0, Philox(1, 2)).pixels, square().pixels);
  EXPECT_TRUE(augment(image::Bitmap(), 1, Philox(1, 2)).pixels.empty());
}

TEST(Augment, LittleStrengthChangesLittle) {
  const image::Bitmap picture = square();
  const auto distance = [&](float strength) {
    double sum = 0;
    for (std::uint64_t stream = 0; stream < 40; ++stream) {
      const image::Bitmap changed = augment(picture, strength, Philox(1, stream));
      for (std::size_t i = 0; i < picture.pixels.size(); ++i) sum += std::abs(picture.pixels[i] - changed.pixels[i]);
    }
    return sum;
  };
  EXPECT_LT(2 * distance(0.1f), distance(1));
  EXPECT_GT(distance(0.1f), 0);
}

/// A drawing stands on white however it is changed: the mean over many streams is light where nothing is drawn.
TEST(Augment, PaperStaysWhite) {
  image::Bitmap white(32, 24);
  std::ranges::fill(white.pixels, std::uint8_t{255});
  int untouched = 0;
  for (std::uint64_t stream = 0; stream < 100; ++stream) {
    untouched += augment(white, 1, Philox(7, stream)).pixels == white.pixels;
  }
  EXPECT_GT(untouched, 75);   // but for the parts that are left out
  EXPECT_LT(untouched, 100);  // of which some are grey
}

/// Many pictures get outlines: dark lines around a light square.
TEST(Augment, DrawsOutlines) {
  image::Bitmap picture = square();
  for (std::uint8_t& value : picture.pixels) value = value == 255 ? 255 : 180;
  int dark = 0;
  for (std::uint64_t stream = 0; stream < 100; ++stream) {
    dark += std::ranges::count_if(augment(picture, 1, Philox(5, stream)).pixels,
                                  [](std::uint8_t value) { return value < 70; }) > 100;
  }
  EXPECT_GT(dark, 20);
  EXPECT_LT(dark, 90);
}

/// Colours that are left out become paper, and not only a few of their pixels.
TEST(Augment, LeavesAreasWhite) {
  const image::Bitmap picture = square();
  const auto white = [](const image::Bitmap& bitmap) { return std::ranges::count(bitmap.pixels, std::uint8_t{255}); };
  int unfilled = 0;
  for (std::uint64_t stream = 0; stream < 100; ++stream) {
    unfilled += white(augment(picture, 1, Philox(9, stream))) > white(picture) + white(picture) / 8;
  }
  EXPECT_GT(unfilled, 5);
  EXPECT_LT(unfilled, 60);
}

}  // namespace
}  // namespace e5v::drawing

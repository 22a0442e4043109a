#include "model/prepared_image.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/error.h"

namespace e5v::model {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Patches, TilesAreSquareGrids) {
  image::Tiles tiles{2, 4, {}, std::vector<std::uint8_t>(2 * 3 * 16)};
  std::iota(tiles.pixels.begin(), tiles.pixels.end(), std::uint8_t{0});
  const Patches patches = Patches::of(tiles, 2);
  EXPECT_THAT(patches.grids, ElementsAre(PatchGrid{2, 2}, PatchGrid{2, 2}));
  const auto pixels = patches.grid_pixels();
  ASSERT_EQ(pixels.size(), 2);
  EXPECT_EQ(pixels[1].size(), 48);
  EXPECT_EQ(pixels[1].front(), 48);
  EXPECT_THAT([&] { Patches::of(tiles, 3); }, testing::ThrowsMessage<ModelError>(testing::HasSubstr("no multiple")));
}

TEST(Patches, GridsOfAnyProportions) {
  Patches patches{2, {{1, 3}, {2, 1}}, std::vector<std::uint8_t>(3 * 4 * (3 + 2))};
  patches.pixels[36] = 7;
  const auto pixels = patches.grid_pixels();
  EXPECT_EQ(pixels[0].size(), 36);
  EXPECT_EQ(pixels[1].size(), 24);
  EXPECT_EQ(pixels[1].front(), 7);
}

TEST(ImageLayout, WalksFeaturesAndSpecialRowsInOrder) {
  const ImageLayout layout({5, ImageLayout::special(0), 0, ImageLayout::special(2)});
  EXPECT_EQ(layout.rows(), 4);
  EXPECT_EQ(layout.features(), 2);
  std::vector<std::pair<std::int64_t, std::int64_t>> features, special;
  layout.walk([&](std::int64_t row, std::int64_t feature) { features.emplace_back(row, feature); },
              [&](std::int64_t row, std::int32_t which) { special.emplace_back(row, which); });
  EXPECT_THAT(features, ElementsAre(Pair(0, 5), Pair(2, 0)));
  EXPECT_THAT(special, ElementsAre(Pair(1, 0), Pair(3, 2)));
}

}  // namespace
}  // namespace e5v::model

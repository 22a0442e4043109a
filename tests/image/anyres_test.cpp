#include "image/anyres.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "image_files.h"

namespace e5v::image {
namespace {

Preprocess preprocess(Variant variant, int max_tiles = 0) {
  Preprocess p;
  p.variant = variant;
  p.max_tiles = max_tiles;
  return p;
}

const std::map<std::string, Variant> kVariants = {{"v5", Variant::v5}, {"v4412", Variant::v4412}};

std::vector<float> pixel_values(const Tiles& tiles, const Preprocess& p) {
  const auto table = normalize_table(p);
  const std::size_t plane = tiles.pixels.size() / static_cast<std::size_t>(tiles.count) / 3;
  std::vector<float> values(tiles.pixels.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = table[i / plane % 3][tiles.pixels[i]];
  return values;
}

void expect_tiles(const Tiles& tiles, const Preprocess& p, const Json& golden) {
  ASSERT_EQ(tiles.count, golden["shape"][0].get<std::int64_t>());
  ASSERT_EQ(tiles.edge, 336);
  const std::size_t size = tiles.pixels.size() / static_cast<std::size_t>(tiles.count);
  for (std::size_t i = 0; i < static_cast<std::size_t>(tiles.count); ++i) {
    const auto start = tiles.pixels.begin() + static_cast<std::ptrdiff_t>(i * size);
    const std::vector<std::uint8_t> tile(start, start + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(test::crc_of(tile), golden["tiles_u8"][i]["crc32"].get<std::uint32_t>()) << "tile " << i;
  }
  EXPECT_EQ(test::crc_of(pixel_values(tiles, p)), golden["pixel_values_f32"]["crc32"].get<std::uint32_t>());
}

TEST(Anyres, TilesAreTheReferencesByteForByte) {
  for (const Json& row : read_json(e5v::test::golden("preprocess/preprocess.json"))) {
    const std::string name = row["file"];
    const Bitmap bitmap = test::decode_text(test::golden_image(name),
                                            {.apply_exif = row["exif_transposed"].get<bool>(), .drop_alpha = true});
    for (const auto& [key, variant] : kVariants) {
      SCOPED_TRACE(name + " " + key);
      const Preprocess p = preprocess(variant);
      const Tiles tiles = make_tiles(bitmap, p);
      EXPECT_EQ(tiles.original, (Size{bitmap.height, bitmap.width}));
      expect_tiles(tiles, p, row[key]);
    }
  }
}

TEST(Anyres, GeometryOfManySizes) {
  const Json geometry = read_json(e5v::test::golden("preprocess/geometry.json"));
  ASSERT_EQ(geometry["columns"].dump(), R"(["height","width","best_h","best_w","num_tiles_incl_base",)"
                                        R"("tokens_v4412","crc32_v4412","tokens_v5","crc32_v5"])");
  ASSERT_EQ(geometry["rows"].size(), 2079u);
  const Preprocess v4412 = preprocess(Variant::v4412), v5 = preprocess(Variant::v5);
  for (const Json& row : geometry["rows"]) {
    const auto n = row.get<std::vector<std::int64_t>>();
    const Size original{static_cast<int>(n[0]), static_cast<int>(n[1])};
    SCOPED_TRACE(fmt::format("{}x{}", original.width, original.height));
    const Size best = best_resolution(original, v5.grid_pinpoints);
    EXPECT_EQ(best, (Size{static_cast<int>(n[2]), static_cast<int>(n[3])}));
    EXPECT_EQ(best.height / 336 * (best.width / 336) + 1, n[4]);
    const auto old_order = packed_order(original, v4412), order = packed_order(original, v5);
    EXPECT_EQ(static_cast<std::int64_t>(old_order.size()), n[5]);
    EXPECT_EQ(test::crc_of(old_order), n[6]);
    EXPECT_EQ(static_cast<std::int64_t>(order.size()), n[7]);
    EXPECT_EQ(test::crc_of(order), n[8]);
  }
}

TEST(Anyres, MaxTilesDropsLargerGrids) {
  const Size photo{480, 640};
  EXPECT_EQ(best_resolution(photo, preprocess(Variant::v5, 5).allowed_pinpoints()), (Size{672, 672}));
  EXPECT_EQ(preprocess(Variant::v5, 4).allowed_pinpoints().size(), 4u);
  EXPECT_EQ(preprocess(Variant::v5, 3).allowed_pinpoints(), (std::vector<Size>{{336, 672}, {672, 336}}));
  EXPECT_TRUE(preprocess(Variant::v5, 2).allowed_pinpoints().empty());
  const Bitmap bitmap = test::decode_text(test::golden_image("img00_rgb_640x480.jpg"));
  EXPECT_EQ(make_tiles(bitmap, preprocess(Variant::v5, 3)).count, 3);
}

TEST(Anyres, BaseTileOnly) {
  const Bitmap bitmap = test::decode_text(test::golden_image("img00_rgb_640x480.jpg"));
  for (const auto& [key, variant] : kVariants) {
    const Preprocess one = preprocess(variant, 1);
    const Tiles tiles = make_tiles(bitmap, one), all = make_tiles(bitmap, preprocess(variant));
    ASSERT_EQ(tiles.count, 1);
    ASSERT_EQ(tiles.pixels.size(), 3u * 336 * 336);
    EXPECT_TRUE(std::equal(tiles.pixels.begin(), tiles.pixels.end(), all.pixels.begin()));
    const auto order = packed_order({480, 640}, one);
    ASSERT_EQ(order.size(), 577u);
    for (int i = 0; i < 576; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(order.back(), kNewline);
  }
}

TEST(Anyres, AnyGridTileAndPatch) {
  Preprocess p;
  p.tile = p.shortest_edge = 4;
  p.patch = 2;
  p.grid_pinpoints = {{4, 4}};
  const std::vector<std::int32_t> one_tile = {0, 1, 2, 3, 4, 5, kNewline, 6, 7, kNewline};
  EXPECT_EQ(packed_order({9, 9}, p), one_tile);
  p.grid_pinpoints = {{4, 8}};
  const std::vector<std::int32_t> two_tiles = {0, 1, 2, 3, 4, 5, 8, 9, kNewline, 6, 7, 10, 11, kNewline};
  EXPECT_EQ(packed_order({4, 8}, p), two_tiles);

  Bitmap bitmap(8, 4);
  for (std::size_t i = 0; i < bitmap.pixels.size(); ++i) bitmap.pixels[i] = static_cast<std::uint8_t>(i);
  const Tiles tiles = make_tiles(bitmap, p);
  ASSERT_EQ(tiles.count, 3);
  for (std::size_t tile = 1; tile < 3; ++tile)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t y = 0; y < 4; ++y)
        for (std::size_t x = 0; x < 4; ++x)
          EXPECT_EQ(tiles.pixels[((tile * 3 + c) * 4 + y) * 4 + x], (y * 8 + (tile - 1) * 4 + x) * 3 + c);
}

TEST(Anyres, TilesLargerThanTheCropKeepTheirMiddle) {
  Preprocess p;
  p.tile = 4, p.shortest_edge = 6, p.patch = 2;
  p.grid_pinpoints = {{4, 4}};
  Bitmap bitmap(6, 6);
  for (std::size_t i = 0; i < bitmap.pixels.size(); ++i) bitmap.pixels[i] = static_cast<std::uint8_t>(i);
  const Tiles tiles = make_tiles(bitmap, p);
  ASSERT_EQ(tiles.count, 2);
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 4; ++x) EXPECT_EQ(tiles.pixels[y * 4 + x], ((y + 1) * 6 + x + 1) * 3);
}

TEST(Anyres, Errors) {
  EXPECT_THROW(make_tiles(Bitmap(), Preprocess()), InvalidInput);
  EXPECT_THROW(packed_order({0, 5}, Preprocess()), InvalidInput);
  EXPECT_THROW(best_resolution({5, 5}, {}), InvalidInput);
  Preprocess p;
  p.grid_pinpoints = {{336, 500}};
  EXPECT_THROW(make_tiles(Bitmap(3, 3), p), ModelError);
  EXPECT_THROW(packed_order({3, 3}, p), ModelError);
  p = Preprocess();
  p.patch = 16;
  p.tile = p.shortest_edge = 330;
  EXPECT_THROW(packed_order({3, 3}, p), ModelError);
}

}  // namespace
}  // namespace e5v::image

#include "image/tile.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "image_files.h"

namespace e5v::image {
namespace {

Preprocess clip(int edge) {
  Preprocess p;
  p.grid_pinpoints.clear();
  p.tile = p.shortest_edge = edge;
  return p;
}

TEST(CentreCrop, IsTransformersByteForByte) {
  const Json golden = read_json(e5v::test::golden("clip/clip.json")).at("models");
  for (const auto& [name, edge] : {std::pair("tiny-clip", 224), std::pair("tiny-clip-336", 336)}) {
    const Json& crops = golden.at(name).at("crops");
    ASSERT_GE(crops.size(), 10u);
    for (const Json& crop : crops) {
      const auto image = crop.at("image").get<std::string>();
      const Tiles tiles = centre_crop(test::decode_text(test::golden_image(image), {.apply_exif = false}), clip(edge));
      EXPECT_EQ(tiles.count, 1);
      EXPECT_EQ(tiles.edge, edge);
      EXPECT_EQ(test::crc_of(tiles.pixels), crop.at("crc32").get<std::uint32_t>()) << image << " at " << edge;
    }
  }
}

TEST(CentreCrop, ASizeOfHeightAndWidthIsSqueezedTo) {
  Json json{{"size", {{"height", 8}, {"width", 8}}}, {"crop_size", 8}, {"image_grid_pinpoints", Json::array()}};
  const Preprocess squeezed = Preprocess::from_json(json, "preprocessor_config.json");
  json["size"] = {{"shortest_edge", 8}};
  const Preprocess kept = Preprocess::from_json(json, "preprocessor_config.json");
  Bitmap bitmap(16, 8);  // left half black, right half white
  for (int y = 0; y < 8; ++y)
    for (int x = 24; x < 48; ++x) bitmap.row(y)[x] = 255;
  Preprocess p = squeezed;
  p.patch = 8;
  const Tiles whole = centre_crop(bitmap, p);
  p = kept;
  p.patch = 8;
  const Tiles middle = centre_crop(bitmap, p);
  EXPECT_EQ(whole.pixels, [&] {
    const Bitmap small = resize(bitmap, 8, 8, Filter::bicubic);
    std::vector<std::uint8_t> planes(3 * 64);
    write_tile(small, 8, planes.data());
    return planes;
  }());
  EXPECT_EQ(middle.pixels[0], 0);
  EXPECT_EQ(middle.pixels[3], 0);
  EXPECT_EQ(middle.pixels[4], 255);
  EXPECT_EQ(middle.pixels[7], 255);
}

/// Pixels without order, the same every time.
Bitmap noise(int width, int height) {
  Bitmap bitmap(width, height);
  std::uint32_t state = 1;
  for (std::uint8_t& value : bitmap.pixels) {
    state = state * 1664525 + 1013904223;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return bitmap;
}

TEST(CentreCrop, IsTheMiddleOfTheWholeImage) {
  Preprocess p = clip(8);
  p.patch = 4;
  const std::vector<std::pair<int, int>> sizes{{8, 8},   {8, 40},  {41, 8},  {9, 30},    {30, 9},
                                               {3, 50},  {50, 3},  {1, 700}, {700, 1},   {2, 2},
                                               {57, 57}, {400, 5}, {90, 31}, {301, 400}, {12, 8}};
  for (const bool squeezed : {false, true}) {
    for (const Filter filter : {Filter::bicubic, Filter::bilinear}) {
      for (const int edge : {8, 11, 12}) {
        p.squeezed = squeezed, p.filter = filter, p.shortest_edge = edge;
        for (const auto& [width, height] : sizes) {
          const Bitmap bitmap = noise(width, height);
          std::vector<std::uint8_t> expected(3 * 64);
          write_tile(squeezed ? resize(bitmap, edge, edge, filter) : with_shortest_edge(bitmap, p), 8, expected.data());
          EXPECT_EQ(centre_crop(bitmap, p).pixels, expected) << width << "x" << height << " to " << edge;
        }
      }
    }
  }
}

TEST(CentreCrop, LongAndNarrowImagesTakeNoMoreMemory) {
  Bitmap wide(20'000'000, 1);  // as a whole at the size that is cut, 4,480,000,000 x 224
  std::fill(wide.pixels.begin(), wide.pixels.end(), std::uint8_t{7});
  for (int x = 9'999'998; x < 10'000'002; ++x) std::fill_n(wide.row(0) + 3 * x, 3, std::uint8_t{200});
  const Tiles across = centre_crop(wide, clip(224));
  EXPECT_EQ(across.pixels, std::vector<std::uint8_t>(std::size_t{3} * 224 * 224, 200));
  Bitmap tall = std::move(wide);
  std::swap(tall.width, tall.height);
  EXPECT_EQ(centre_crop(tall, clip(224)).pixels, across.pixels);
}

TEST(CentreCrop, NeedsPixels) {
  EXPECT_THAT([] { centre_crop(Bitmap(), clip(224)); },
              testing::ThrowsMessage<InvalidInput>("[tiles] expected an image with pixels, found 0x0"));
}

}  // namespace
}  // namespace e5v::image

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
  const Json golden = read_json(test::golden("clip/clip.json")).at("models");
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

TEST(CentreCrop, NeedsPixels) {
  EXPECT_THAT([] { centre_crop(Bitmap(), clip(224)); },
              testing::ThrowsMessage<InvalidInput>("[tiles] expected an image with pixels, found 0x0"));
}

}  // namespace
}  // namespace e5v::image

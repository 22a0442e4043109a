#include "image/preprocess.h"

#include <gtest/gtest.h>

#include <cstring>

#include "image_files.h"

namespace e5v::image {
namespace {

TEST(Preprocess, ReadsTheModelsFile) {
  const auto path = e5v::test::golden("ckpt/tiny-small-f32/preprocessor_config.json");
  const Preprocess p = Preprocess::from_json(read_json(path), path.string());
  EXPECT_EQ(p.tile, 336);
  EXPECT_EQ(p.shortest_edge, 336);
  EXPECT_EQ(p.grid_pinpoints, Preprocess().grid_pinpoints);
  EXPECT_EQ(p.mean, Preprocess().mean);
  EXPECT_EQ(p.std, Preprocess().std);
  EXPECT_EQ(p.rescale, 1 / 255.);
  EXPECT_EQ(p.filter, Filter::bicubic);
}

TEST(Preprocess, AbsentKeysHaveTheClassDefaults) {
  const Json config = {{"image_grid_pinpoints", {{224, 448}}}};
  const Preprocess p = Preprocess::from_json(config, "file");
  EXPECT_EQ(p.tile, 224);
  EXPECT_EQ(p.shortest_edge, 224);
  EXPECT_EQ(p.grid_pinpoints, (std::vector<Size>{{224, 448}}));
}

TEST(Preprocess, ReadsEverySpellingOfASquare) {
  for (const Json& size :
       {Json(336), Json::array({336, 336}), Json{{"shortest_edge", 336}},
        Json{{"shortest_edge", 336}, {"longest_edge", nullptr}}, Json{{"height", 336}, {"width", 336}}}) {
    const Preprocess p = Preprocess::from_json({{"size", size}, {"crop_size", 336}, {"resample", 2}}, "file");
    EXPECT_EQ(p.shortest_edge, 336);
    EXPECT_EQ(p.squeezed, size.is_array() || size.contains("height"));
    EXPECT_EQ(p.filter, Filter::bilinear);
    if (size.contains("shortest_edge")) continue;  // of what is cut both edges are given
    EXPECT_EQ(Preprocess::from_json({{"size", 336}, {"crop_size", size}}, "file").tile, 336);
  }
}

TEST(Preprocess, NonsenseIsAModelError) {
  const std::vector<Json> configs = {
      Json::array(),
      {{"size", "big"}},
      {{"size", -1}},
      {{"size", {{"height", 336}, {"width", 224}}}},
      {{"size", {{"longest_edge", 336}}}},
      {{"size", {{"shortest_edge", 336}, {"longest_edge", 400}}}},
      {{"size", {{"shortest_edge", 336}, {"height", 336}, {"width", 336}}}},
      {{"size", nullptr}},
      {{"size", 336}, {"crop_size", {{"shortest_edge", 336}}}},
      {{"size", 336}, {"crop_size", 336}, {"do_normalize", nullptr}},
      {{"size", 336}, {"crop_size", 336}, {"use_square_size", true}},
      {{"size", 336}, {"crop_size", 336}, {"image_processor_type", "SiglipImageProcessor"}},
      {{"size", 224}, {"crop_size", 336}},
      {{"image_grid_pinpoints", 5}},
      {{"image_grid_pinpoints", {5}}},
      {{"image_grid_pinpoints", {{224, 300}}}},
      {{"image_grid_pinpoints", {{224, 99999999}}}},
      {{"crop_size", 336}, {"size", 336}, {"image_mean", {0.5}}},
      {{"crop_size", 336}, {"size", 336}, {"image_std", {0.5, 0.0, 0.5}}},
      {{"crop_size", 336}, {"size", 336}, {"resample", 1}},
      {{"crop_size", 336}, {"size", 336}, {"do_resize", false}},
      {},  // the defaults contradict each other: tiles of 224, grids of 336
  };
  for (const Json& config : configs) {
    try {
      Preprocess::from_json(config, "file");
      ADD_FAILURE() << config;
    } catch (const ModelError& error) {
      EXPECT_EQ(std::string(error.what()).rfind("[file] ", 0), 0u) << error.what();
    }
  }
}

TEST(Preprocess, NormalizesToTheReferencesBits) {
  const std::string npy = read_file(e5v::test::golden("preprocess/normalize_lut.npy"));
  const auto table = normalize_table(Preprocess());
  ASSERT_EQ(npy.size(), 128 + sizeof table);
  EXPECT_EQ(std::memcmp(npy.data() + 128, &table, sizeof table), 0);
}

}  // namespace
}  // namespace e5v::image

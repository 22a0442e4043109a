#include "model/llava_next.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <deque>
#include <numeric>

#include "model/vision_fixture.h"

namespace e5v::model::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class LlavaNextVision : public Vision {};

TEST_F(LlavaNextVision, PackedImageTokens) {
  for (const auto& [variant, name] :
       {std::pair{image::Variant::v5, "packed_v5"}, {image::Variant::v4412, "packed_v4412"}}) {
    const PreparedImage image = prepared(variant);
    const LlavaNext model(checkpoint, config, preprocess, nn::Precision::f32);
    const tensor::TensorView golden_rows = *expected.find(name);
    ASSERT_EQ(image.layout.rows(), golden_rows.shape[0]) << name;
    const tensor::Tensor y(tensor::DType::f32, golden_rows.shape);
    model.embed_image(image, matrix_of(y), arena);
    EXPECT_LT(max_difference(matrix_of(y), matrix_of(golden_rows)), kVisionTolerance) << name;
  }
}

TEST_F(LlavaNextVision, ImagesTogetherAreEachAlone) {
  const LlavaNext model(checkpoint, config, preprocess, nn::Precision::f32);
  const auto of_size = [&](int width, int height) {
    image::Bitmap bitmap(width, height);
    for (std::size_t i = 0; i < bitmap.pixels.size(); ++i) bitmap.pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
    return prepared(bitmap);
  };
  const PreparedImage first = of_size(400, 300), second = of_size(100, 500);
  const auto rows = [](const PreparedImage& image) { return image.layout.rows(); };
  const std::int64_t D = config.text.width, gap = 3;
  const tensor::Tensor all(tensor::DType::f32, {rows(first) + gap + rows(second), D});
  model.embed_images(std::array{LlavaNext::PlacedImage{&second, rows(first) + gap}, LlavaNext::PlacedImage{&first, 0}},
                     matrix_of(all), arena);
  const auto expect_alone = [&](const PreparedImage& image, std::int64_t first_row) {
    const tensor::Tensor alone(tensor::DType::f32, {rows(image), D});
    model.embed_image(image, matrix_of(alone), arena);
    EXPECT_LT(max_difference(matrix_of(all).row_range(first_row, rows(image)), matrix_of(alone)), kVisionTolerance);
  };
  expect_alone(first, 0);
  expect_alone(second, rows(first) + gap);
}

TEST_F(LlavaNextVision, MoreTilesThanGoThroughTheTowerAtOnceGiveTheSame) {
  // A grid of 6 and the base tile: the tower takes five, then two.
  preprocess.grid_pinpoints = {{672, 1008}};
  image::Bitmap bitmap(1008, 672);
  for (std::size_t i = 0; i < bitmap.pixels.size(); ++i) bitmap.pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
  const PreparedImage image = prepared(bitmap);
  ASSERT_EQ(image.patches.grids.size(), 7);
  config.grid_pinpoints = preprocess.grid_pinpoints;
  const LlavaNext model(checkpoint, config, preprocess, nn::Precision::f32);
  const tensor::Tensor together(tensor::DType::f32, {image.layout.rows(), config.text.width});
  model.embed_image(image, matrix_of(together), arena);
  const auto tiles = image.patches.grid_pixels();
  std::vector<std::int32_t> in_order(576);
  std::iota(in_order.begin(), in_order.end(), 0);
  for (std::int64_t tile = 0; tile < 7; ++tile) {
    PreparedImage alone;
    const auto pixels = tiles[static_cast<std::size_t>(tile)];
    alone.patches = {image.patches.edge, {image.patches.grids.front()}, {pixels.begin(), pixels.end()}};
    alone.layout = ImageLayout(in_order);
    const tensor::Tensor y(tensor::DType::f32, {576, config.text.width});
    model.embed_image(alone, matrix_of(y), arena);
    image.layout.walk(
        [&](std::int64_t row, std::int64_t feature) {
          if (feature / 576 != tile) return;
          const auto found = matrix_of(together).row_range(row, 1);
          ASSERT_LT(max_difference(found, matrix_of(y).row_range(feature % 576, 1)), 1e-5) << tile << " " << row;
        },
        [](std::int64_t, std::int32_t) {});
  }
}

TEST_F(LlavaNextVision, ContradictionsAreNamed) {
  image::Preprocess other = preprocess;
  other.tile = 224;
  EXPECT_THAT([&] { LlavaNext(checkpoint, config, other, nn::Precision::f32); },
              ThrowsMessage<ModelError>(HasSubstr("tiles of 224 pixels, the vision tower takes 336")));
  config.vision->width = 65;
  config.vision->heads = 5;
  EXPECT_THAT([&] { LlavaNext(checkpoint, config, preprocess, nn::Precision::f32); },
              ThrowsMessage<ModelError>(HasSubstr("65")));
}

TEST_F(LlavaNextVision, TextOnlyCheckpointsRefuseImages) {
  const PreparedImage image = prepared(image::Variant::v5);
  config.vision.reset();
  const LlavaNext model(checkpoint, config, preprocess, nn::Precision::f32);
  EXPECT_FALSE(model.sees());
  const tensor::Tensor y(tensor::DType::f32, {image.layout.rows(), config.text.width});
  EXPECT_THAT([&] { model.embed_image(image, matrix_of(y), arena); },
              ThrowsMessage<ModelError>(HasSubstr("takes text only")));
}

/// An adapter reaches its part of the model, and one of a part that is not computed changes nothing.
TEST_F(LlavaNextVision, AdaptersReachTheirMatrices) {
  preprocess.grid_pinpoints.clear();  // one tile
  const PreparedImage image = prepared(image::Variant::v5);
  LlavaNext model(checkpoint, config, preprocess, nn::Precision::f32);
  std::deque<nn::Lora> adapters;
  const auto rows_after = [&](const std::string& target, std::int64_t outputs, std::int64_t inputs) {
    if (!target.empty()) {
      const nn::Lora& adapter = adapters.emplace_back(nn::Lora{target, tensor::Tensor(tensor::DType::f32, {1, inputs}),
                                                               tensor::Tensor(tensor::DType::f32, {outputs, 1}), 0.5f});
      std::ranges::fill(adapter.a_RK.as<float>(), 0.1f);
      std::ranges::fill(adapter.b_NR.as<float>(), 0.1f);
      model.attach(adapter);
    }
    tensor::Tensor y(tensor::DType::f32, {image.layout.rows(), config.text.width});
    model.embed_image(image, matrix_of(y), arena);
    return y;
  };
  const tensor::Tensor plain = rows_after("", 1, 1);
  rows_after("lm_head", 2368, 128);
  const tensor::Tensor unused = rows_after("vision_tower.encoder.layers.2.mlp.fc1", 256, 64);  // after the features
  EXPECT_EQ(max_difference(matrix_of(unused), matrix_of(plain)), 0);
  const tensor::Tensor projected = rows_after("projector.linear_1", 128, 64);
  EXPECT_GT(max_difference(matrix_of(projected), matrix_of(plain)), 1e-4);
  const tensor::Tensor seen = rows_after("vision_tower.encoder.layers.1.mlp.fc1", 256, 64);
  EXPECT_GT(max_difference(matrix_of(seen), matrix_of(projected)), 1e-4);
  EXPECT_THAT([&] { rows_after("projector.linear_3", 1, 1); },
              ThrowsMessage<InvalidInput>("[projector] there is no matrix linear_3 to adapt"));
}

TEST(LlavaNextTiles, AsManyGoThroughTheTowerAtOnceAsFitIntoTheRows) {
  EXPECT_EQ(LlavaNext::tiles_at_once(577), 5);
  EXPECT_EQ(LlavaNext::tiles_at_once(577, tensor::Place::device), 40);
  EXPECT_EQ(LlavaNext::tiles_at_once(145), 19);
  EXPECT_EQ(LlavaNext::tiles_at_once(100'000), 1);
}

}  // namespace
}  // namespace e5v::model::test

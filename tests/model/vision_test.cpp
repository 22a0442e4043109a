#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "base/file.h"
#include "golden.h"
#include "image/decode.h"
#include "model/llava_next.h"
#include "tensor/safetensors.h"

namespace e5v::model::test {
namespace {

using e5v::test::golden;

constexpr double kTolerance = 5e-5;

double max_difference(tensor::ConstMatrix found, tensor::ConstMatrix expected) {
  double largest = found.columns == expected.columns ? 0 : INFINITY;
  for (std::int64_t r = 0; r < expected.rows; ++r) {
    for (std::int64_t c = 0; c < expected.columns; ++c) {
      const double difference = std::abs(double{found.row<float>(r)[c]} - expected.row<float>(r)[c]);
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest;
}

/// The tiny model with the image whose stages the goldens hold.
class Vision : public testing::Test {
 protected:
  Vision() : folder(golden("ckpt/tiny-small-f32")), config(read_config(folder)), checkpoint(folder) {
    preprocess =
        image::Preprocess::from_json(read_json(folder / "preprocessor_config.json"), "preprocessor_config.json");
  }

  PreparedImage prepared(const image::Bitmap& bitmap) const {
    return {Patches::of(image::make_tiles(bitmap, preprocess), preprocess.patch),
            ImageLayout(image::packed_order({bitmap.height, bitmap.width}, preprocess))};
  }
  PreparedImage prepared(image::Variant variant) {
    preprocess.variant = variant;
    const std::string file = read_file(golden("images/img04_tiny_3x2.png"));
    const image::Bitmap bitmap = image::decode(std::as_bytes(std::span(file)), "img04");
    return prepared(bitmap);
  }

  std::filesystem::path folder;
  ModelConfig config;
  Checkpoint checkpoint;
  image::Preprocess preprocess;
  tensor::SafetensorsFile expected{golden("vision/img04_vision.safetensors")};
  tensor::Arena arena;
};

TEST_F(Vision, HiddenStatesOfTheTower) {
  const PreparedImage image = prepared(image::Variant::v4412);
  const auto table = normalize_table(preprocess);
  const std::int64_t rows = config.vision->positions();
  const char* names[] = {"vision_tile0_hs0_after_pre_layrnorm", "vision_tile0_hs1", "vision_tile0_hs2_selected"};
  for (std::int64_t layers = 0; layers <= 2; ++layers) {
    const ClipVit tower(ClipWeights::from(checkpoint, *config.vision, layers), *config.vision, nn::Precision::f32);
    const tensor::Tensor x(tensor::DType::f32,
                           {static_cast<std::int64_t>(image.patches.grids.size()) * rows, config.vision->width});
    tower.forward(image.patches.pixels, table, matrix_of(x), arena);
    EXPECT_LT(max_difference(matrix_of(x).row_range(0, rows), matrix_of(*expected.find(names[layers]))), kTolerance)
        << layers;
    if (layers == 2) {
      EXPECT_LT(
          max_difference(matrix_of(x).row_range(rows, rows), matrix_of(*expected.find("vision_tile1_hs2_selected"))),
          kTolerance);
      const Projector projector(checkpoint, config, nn::Precision::f32);
      const tensor::Tensor y(tensor::DType::f32, {rows - 1, config.text.width});
      projector.forward(matrix_of(x).row_range(1, rows - 1), matrix_of(y), arena);
      EXPECT_LT(max_difference(matrix_of(y), matrix_of(*expected.find("projected_tile0"))), kTolerance);
    }
  }
}

TEST_F(Vision, PackedImageTokens) {
  for (const auto& [variant, name] :
       {std::pair{image::Variant::v5, "packed_v5"}, {image::Variant::v4412, "packed_v4412"}}) {
    const PreparedImage image = prepared(variant);
    const LlavaNext model(checkpoint, config, preprocess, nn::Precision::f32);
    const tensor::TensorView golden_rows = *expected.find(name);
    ASSERT_EQ(image.layout.rows(), golden_rows.shape[0]) << name;
    const tensor::Tensor y(tensor::DType::f32, golden_rows.shape);
    model.embed_image(image, matrix_of(y), arena);
    EXPECT_LT(max_difference(matrix_of(y), matrix_of(golden_rows)), kTolerance) << name;
  }
}

TEST_F(Vision, ImagesTogetherAreEachAlone) {
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
    EXPECT_LT(max_difference(matrix_of(all).row_range(first_row, rows(image)), matrix_of(alone)), kTolerance);
  };
  expect_alone(first, 0);
  expect_alone(second, rows(first) + gap);
}

TEST_F(Vision, MoreTilesThanGoThroughTheTowerAtOnceGiveTheSame) {
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

TEST_F(Vision, ContradictionsAreNamed) {
  image::Preprocess other = preprocess;
  other.tile = 224;
  EXPECT_THAT(
      [&] { LlavaNext(checkpoint, config, other, nn::Precision::f32); },
      testing::ThrowsMessage<ModelError>(testing::HasSubstr("tiles of 224 pixels, the vision tower takes 336")));
  config.vision->width = 65;
  config.vision->heads = 5;
  EXPECT_THAT([&] { LlavaNext(checkpoint, config, preprocess, nn::Precision::f32); },
              testing::ThrowsMessage<ModelError>(testing::HasSubstr("65")));
}

TEST_F(Vision, TextOnlyCheckpointsRefuseImages) {
  const PreparedImage image = prepared(image::Variant::v5);
  config.vision.reset();
  const LlavaNext model(checkpoint, config, preprocess, nn::Precision::f32);
  EXPECT_FALSE(model.sees());
  const tensor::Tensor y(tensor::DType::f32, {image.layout.rows(), config.text.width});
  EXPECT_THAT([&] { model.embed_image(image, matrix_of(y), arena); },
              testing::ThrowsMessage<ModelError>(testing::HasSubstr("takes text only")));
}

}  // namespace
}  // namespace e5v::model::test

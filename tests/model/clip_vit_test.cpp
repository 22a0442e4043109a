#include "model/clip_vit.h"

#include <gmock/gmock.h>

#include "image/preprocess.h"
#include "model/vision_fixture.h"

namespace e5v::model::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class ClipTower : public Vision {
 protected:
  ClipVit tower(std::int64_t layers) const {
    return {ClipWeights::from(checkpoint, *config.vision, layers), *config.vision, nn::Precision::f32};
  }
  tensor::Tensor states(const ClipVit& vit, const PreparedImage& image) {
    const auto tiles = static_cast<std::int64_t>(image.patches.pixels.size()) / (3 * 336 * 336);
    tensor::Tensor x(tensor::DType::f32, {tiles * vit.rows_per_tile(), config.vision->width});
    vit.forward(image.patches.pixels, normalize_table(preprocess), matrix_of(x), arena);
    return x;
  }
};

TEST_F(ClipTower, HiddenStatesAreTheReferences) {
  const PreparedImage image = prepared(image::Variant::v4412);
  const auto table = normalize_table(preprocess);
  const std::int64_t rows = config.vision->positions();
  const char* names[] = {"vision_tile0_hs0_after_pre_layrnorm", "vision_tile0_hs1", "vision_tile0_hs2_selected"};
  for (std::int64_t layers = 0; layers <= 2; ++layers) {
    const ClipVit tower(ClipWeights::from(checkpoint, *config.vision, layers), *config.vision, nn::Precision::f32);
    const tensor::Tensor x(tensor::DType::f32,
                           {static_cast<std::int64_t>(image.patches.grids.size()) * rows, config.vision->width});
    tower.forward(image.patches.pixels, table, matrix_of(x), arena);
    EXPECT_LT(max_difference(matrix_of(x).row_range(0, rows), matrix_of(*expected.find(names[layers]))),
              kVisionTolerance)
        << layers;
    if (layers == 2) {
      EXPECT_LT(
          max_difference(matrix_of(x).row_range(rows, rows), matrix_of(*expected.find("vision_tile1_hs2_selected"))),
          kVisionTolerance);
    }
  }
}

/// The class tokens, for which the last layer computes nothing else, are those of all rows.
TEST_F(ClipTower, ClassTokensAreThoseOfAllRows) {
  const PreparedImage image = prepared(image::Variant::v5);
  const ClipVit vit = tower(3);
  const tensor::Tensor all = states(vit, image);
  const std::int64_t rows = vit.rows_per_tile(), tiles = all.shape()[0] / rows;
  ASSERT_GT(tiles, 1);
  const tensor::Tensor y(tensor::DType::f32, {tiles, config.vision->width});
  vit.forward_class(image.patches.pixels, normalize_table(preprocess), matrix_of(y), arena);
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    EXPECT_LT(max_difference(matrix_of(y).row_range(tile, 1), matrix_of(all).row_range(tile * rows, 1)), 1e-5) << tile;
  }
}

TEST_F(ClipTower, AdaptersOfLayersThatAreNotLoadedHaveNoEffect) {
  const PreparedImage image = prepared(image::Variant::v5);
  nn::Lora adapter{"fc1", tensor::Tensor(tensor::DType::f32, {1, 64}), tensor::Tensor(tensor::DType::f32, {256, 1}), 1,
                   0};
  std::ranges::fill(adapter.a_RK.as<float>(), 0.1f);
  std::ranges::fill(adapter.b_NR.as<float>(), 0.1f);
  ClipVit vit = tower(1);
  const tensor::Tensor plain = states(vit, image);
  vit.attach(1, "mlp.fc1", adapter);
  EXPECT_EQ(max_difference(matrix_of(states(vit, image)), matrix_of(plain)), 0);
  vit.attach(0, "mlp.fc1", adapter);
  EXPECT_GT(max_difference(matrix_of(states(vit, image)), matrix_of(plain)), 1e-3);
  EXPECT_THAT([&] { vit.attach(0, "mlp.fc3", adapter); },
              ThrowsMessage<InvalidInput>("[clip] a block has no matrix mlp.fc3 to adapt"));
}

TEST_F(ClipTower, MissingAndContradictingTensorsAreNamed) {
  EXPECT_THAT([&] { tower(4); }, ThrowsMessage<ModelError>(HasSubstr("vision_tower.encoder.layers.3.")));
  config.vision->patch_size = 28;
  EXPECT_THAT([&] { tower(1); },
              ThrowsMessage<ModelError>(HasSubstr("expected shape [64, 3, 28, 28] from config.json")));
  config.vision->patch_size = 14, config.vision->image_size = 224;
  EXPECT_THAT([&] { tower(1); }, ThrowsMessage<ModelError>(HasSubstr("expected shape [257, 64]")));
}

}  // namespace
}  // namespace e5v::model::test

#include "model/synthetic.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "model/llava_next.h"
#include "model/synthetic_checkpoint.h"

namespace e5v::model {
namespace {

using tensor::DType;
using testing::ThrowsMessage;

ModelConfig config_of(const std::string& name) {
  return parse_config(synthetic_config(name, std::nullopt, DType::f32), name);
}

std::vector<float> values_of(const SyntheticTensor& tensor, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(tensor.spec.shape.elements()));
  fill_synthetic(tensor, seed, 0, std::as_writable_bytes(std::span(values)));
  return values;
}

TEST(Synthetic, ValuesAreBellShaped) {
  const SyntheticTensor tensor{{"w", DType::f32, {1000, 300}}, 1, 0.02f};
  double sum = 0, squares = 0;
  int inside = 0;
  for (const float value : values_of(tensor, 1)) {
    const double z = (static_cast<double>(value) - 1) / 0.02;
    sum += z, squares += z * z;
    inside += std::abs(z) < 1 ? 1 : 0;
    ASSERT_LT(std::abs(z), 3.5);
  }
  constexpr double kCount = 300'000;
  EXPECT_NEAR(sum / kCount, 0, 0.01);
  EXPECT_NEAR(squares / kCount, 1, 0.01);
  EXPECT_NEAR(inside / kCount, 0.68, 0.02);
}

TEST(Synthetic, PiecesAreTheWhole) {
  for (const DType type : {DType::f32, DType::bf16}) {
    const SyntheticTensor tensor{{"w", type, {70'000}}, 0, 1};
    const auto size = static_cast<std::size_t>(size_of(type));
    std::vector<std::byte> whole(70'000 * size), pieces(70'000 * size);
    fill_synthetic(tensor, 5, 0, whole);
    const std::span<std::byte> out(pieces);
    fill_synthetic(tensor, 5, 0, out.first(12'345 * size));
    fill_synthetic(tensor, 5, 12'345, out.subspan(12'345 * size));
    EXPECT_TRUE(whole == pieces);
  }
}

TEST(Synthetic, SeedAndNameMakeTheValues) {
  const SyntheticTensor a{{"a", DType::f32, {8}}, 0, 1}, b{{"b", DType::f32, {8}}, 0, 1};
  EXPECT_EQ(values_of(a, 1), values_of(a, 1));
  EXPECT_NE(values_of(a, 1), values_of(a, 2));
  EXPECT_NE(values_of(a, 1), values_of(b, 1));
  // The same on every machine.
  EXPECT_THAT(values_of(a, 1),
              testing::Pointwise(testing::FloatNear(1e-5f), {-0.304753f, -1.54892f, 1.4579f, 0.922002f, 0.632367f,
                                                             -0.681287f, 0.873505f, -0.507569f}));
}

TEST(Synthetic, OnlyFloatingTypes) {
  const SyntheticTensor tensor{{"a", DType::i8, {8}}, 0, 1};
  std::vector<std::byte> bytes(8);
  EXPECT_THAT([&] { fill_synthetic(tensor, 0, 0, bytes); },
              ThrowsMessage<InvalidInput>("[synthetic] expected f32 or bf16, found i8"));
}

/// Root of the mean square of a tensor's values.
double size_of_values(const std::vector<SyntheticTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, [](const SyntheticTensor& t) { return t.spec.name; });
  EXPECT_NE(found, tensors.end()) << name;
  double squares = 0;
  const std::vector<float> values = values_of(*found, 1);
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

TEST(Synthetic, AStartHasSmallBranchesAndNoOffsets) {
  const ModelConfig config = config_of("tiny");  // 2 layers of 64, 3 of 32 with an MLP of 64
  const auto start = synthetic_tensors(config, DType::f32, WeightScheme::start);
  const std::string layer = "language_model.model.layers.1.", block = "vision_tower.vision_model.encoder.layers.2.";
  EXPECT_NEAR(size_of_values(start, layer + "self_attn.q_proj.weight"), 1 / std::sqrt(64.0), 0.01);
  EXPECT_NEAR(size_of_values(start, layer + "mlp.down_proj.weight"), 1 / std::sqrt(192.0 * 4), 0.002);
  EXPECT_NEAR(size_of_values(start, block + "self_attn.out_proj.weight"), 1 / std::sqrt(32.0 * 6), 0.005);
  EXPECT_NEAR(size_of_values(start, block + "mlp.fc1.weight"), 1 / std::sqrt(32.0 * 2), 0.008);
  EXPECT_NEAR(size_of_values(start, block + "mlp.fc2.weight"), 1 / std::sqrt(64.0 * 6), 0.004);
  EXPECT_EQ(size_of_values(start, block + "mlp.fc2.bias"), 0);
  EXPECT_EQ(size_of_values(start, block + "layer_norm1.bias"), 0);
  EXPECT_EQ(size_of_values(start, layer + "input_layernorm.weight"), 1);
  const auto noise = synthetic_tensors(config, DType::f32);
  EXPECT_NEAR(size_of_values(noise, layer + "mlp.down_proj.weight"), 1 / std::sqrt(192.0), 0.004);
  EXPECT_GT(size_of_values(noise, block + "mlp.fc2.bias"), 0.01);
}

TEST(Synthetic, AStartTellsPlacesApart) {
  const ModelConfig config = config_of("tiny");
  const std::string name = "vision_tower.vision_model.embeddings.position_embedding.weight";
  const auto start = synthetic_tensors(config, DType::f32, WeightScheme::start);
  const auto places = std::ranges::find(start, name, [](const SyntheticTensor& t) { return t.spec.name; });
  ASSERT_NE(places, start.end());
  ASSERT_EQ(places->spec.shape, (tensor::Shape{145, 32}));
  const std::vector<float> values = values_of(*places, 1);
  const auto dot = [&](std::size_t a, std::size_t b) {
    float sum = 0;
    for (std::size_t d = 0; d < 32; ++d) sum += values[a * 32 + d] * values[b * 32 + d];
    return sum;
  };
  EXPECT_EQ(dot(0, 0), 0);
  for (std::size_t place = 1; place < 145; ++place) EXPECT_NEAR(dot(place, place), 16, 1e-4) << place;
  // Place 1 + 12 row + column: neighbours are alike, by row as by column, and places far away are not.
  EXPECT_NEAR(dot(1, 2), dot(1, 13), 1e-4);
  EXPECT_GT(dot(1, 2), dot(1, 4));
  EXPECT_GT(dot(1, 4), dot(1, 1 + 12 * 9 + 9));
}

TEST(Synthetic, E5vHasItsSize) {
  const ModelConfig config = config_of("e5-v");
  std::int64_t elements = 0;
  for (const SyntheticTensor& tensor : synthetic_tensors(config, DType::bf16)) elements += tensor.spec.shape.elements();
  EXPECT_NEAR(static_cast<double>(elements), 8.36e9, 0.01e9);  // Llama-3-8B, CLIP ViT-L/14-336, and the projector
}

TEST(Synthetic, MakesAModelInMemory) {
  const ModelConfig config = config_of("tiny");
  const SyntheticWeights weights = make_synthetic(config, DType::bf16, 3);
  const Checkpoint checkpoint(weights.tensors, "memory");
  EXPECT_EQ(checkpoint.first_non_finite(), std::nullopt);
  image::Preprocess preprocess;
  preprocess.grid_pinpoints = config.grid_pinpoints;
  preprocess.tile = preprocess.shortest_edge = 168;
  const LlavaNext model(checkpoint, config, preprocess, nn::Precision::bf16);
  EXPECT_TRUE(model.sees());
}

}  // namespace
}  // namespace e5v::model

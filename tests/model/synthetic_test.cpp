#include "model/synthetic.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "model/llava_next.h"
#include "model/synthetic_checkpoint.h"
#include "temporary_folder.h"
#include "text/tokenizer.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;
using e5v::test::TemporaryFolder;
using tensor::DType;
using tensor::Tensor;
using testing::HasSubstr;
using testing::ThrowsMessage;

ModelConfig config_of(const std::string& name) {
  return parse_config(synthetic_config(name, std::nullopt, DType::f32), name);
}

std::vector<float> values_of(const SyntheticTensor& tensor, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(tensor.spec.shape.elements()));
  fill_synthetic(tensor, seed, 0, std::as_writable_bytes(std::span(values)));
  return values;
}

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
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

TEST(SyntheticCheckpoint, FolderHoldsTheWeightsOfMemory) {
  const TemporaryFolder folder;
  SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", std::nullopt, DType::f32),
                                 .dtype = DType::f32,
                                 .seed = 7,
                                 .tokenizer = std::nullopt,
                                 .shard_bytes = 500'000};
  std::uint64_t written = 0;
  checkpoint.advanced = [&](std::uint64_t bytes) { written += bytes; };
  const fs::path path = folder.path() / "model";
  checkpoint.write(path);
  EXPECT_EQ(written, checkpoint.bytes());
  EXPECT_TRUE(fs::exists(path / "model.safetensors.index.json"));
  const Checkpoint stored(path);
  EXPECT_GT(stored.files().size(), 3);
  const SyntheticWeights memory = make_synthetic(read_config(path), DType::f32, 7);
  EXPECT_EQ(stored.fingerprint(), Checkpoint(memory.tensors, "memory").fingerprint());
  EXPECT_EQ(stored.bytes(), checkpoint.bytes());
}

TEST(SyntheticCheckpoint, ReplacesACheckpointAndNothingElse) {
  const TemporaryFolder folder;
  folder.write("notes.txt", "mine");
  folder.write("model-00001-of-00002.safetensors", "old");
  folder.write("model.safetensors.index.json", "{}");
  const SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", 1, DType::bf16)};
  checkpoint.write(folder.path());
  EXPECT_EQ(content_of(folder.path() / "notes.txt"), "mine");
  EXPECT_FALSE(fs::exists(folder.path() / "model.safetensors.index.json"));
  EXPECT_FALSE(fs::exists(folder.path() / "model-00001-of-00002.safetensors"));
  EXPECT_EQ(Checkpoint(folder.path()).files().size(), 1);
  EXPECT_EQ(read_config(folder.path()).text.layers, 1);
}

TEST(SyntheticCheckpoint, StoppingLeavesEverythingAsItWas) {
  const TemporaryFolder folder;
  const fs::path old = folder.path() / "old", fresh = folder.path() / "fresh";
  SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", std::nullopt, DType::bf16)};
  checkpoint.write(old);
  const std::string config = content_of(old / "config.json");
  int pieces = 0;
  checkpoint.seed = 1;
  checkpoint.check_stop = [&] {
    if (++pieces > 20) throw std::runtime_error("stop");
  };
  for (const fs::path& path : {old, fresh}) {
    pieces = 0;
    EXPECT_THAT([&] { checkpoint.write(path); }, ThrowsMessage<std::runtime_error>("stop"));
    EXPECT_FALSE(fs::exists(path.string() + ".partial"));
  }
  EXPECT_FALSE(fs::exists(fresh));
  EXPECT_EQ(content_of(old / "config.json"), config);
  EXPECT_NO_THROW(Checkpoint{old});
}

TEST(SyntheticCheckpoint, BadInputIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT([] { synthetic_config("e6", std::nullopt, DType::f32); },
              ThrowsMessage<InvalidInput>("[e6] expected e5-v, tiny, or a config.json, found neither"));
  const fs::path gpt = folder.write("gpt.json", R"({"model_type": "gpt2"})");
  EXPECT_THAT([&] { synthetic_config(gpt.string(), std::nullopt, DType::f32); },
              ThrowsMessage<ModelError>(HasSubstr("gpt2")));
  SyntheticCheckpoint checkpoint{.config = synthetic_config("tiny", std::nullopt, DType::bf16)};
  EXPECT_THAT([&] { checkpoint.write(gpt); }, ThrowsMessage<InvalidInput>(HasSubstr("expected a folder")));
  fs::create_directory(folder.path() / "model.partial");
  EXPECT_THAT([&] { checkpoint.write(folder.path() / "model"); }, ThrowsMessage<InvalidInput>(HasSubstr("remove it")));
  checkpoint.tokenizer = gpt;
  EXPECT_THROW(checkpoint.write(folder.path() / "other"), ModelError);
}

TEST(SyntheticCheckpoint, SpaceIsChecked) {
  EXPECT_NO_THROW(check_space(1 << 30, std::uint64_t{2} << 30, "x"));
  EXPECT_THAT([] { check_space(std::uint64_t{16} << 30, std::uint64_t{3} << 30, "x"); },
              ThrowsMessage<InvalidInput>("[x] 16.1 GiB are needed there, 3.0 GiB are free"));
}

}  // namespace
}  // namespace e5v::model

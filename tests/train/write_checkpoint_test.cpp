#include "train/write_checkpoint.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/file.h"
#include "changed_checkpoint.h"
#include "temporary_folder.h"
#include "train/quantised_checkpoint.h"

namespace e5v::train {
namespace {

namespace fs = std::filesystem;
using e5v::test::copy_with;
using e5v::test::golden;
using e5v::test::TemporaryFolder;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kNorm = "language_model.norm.weight";

/// A replacement of one tensor: all its numbers become this one.
Replacement all_of(const std::string& canonical, float number) {
  return [=](const model::Checkpoint::Stored& tensor) -> std::optional<tensor::Tensor> {
    if (tensor.canonical != canonical) return std::nullopt;
    tensor::Tensor values(tensor::DType::f32, tensor.view.shape);
    std::ranges::fill(values.as<float>(), number);
    return values;
  };
}

TEST(WriteCheckpoint, ReplacesTensorsAndKeepsTheRest) {
  const TemporaryFolder folder;
  const fs::path model = golden("ckpt/tiny-small-bf16-2shard"), output = folder.path() / "out";
  std::uint64_t bytes = 0;
  // Halfway between two numbers of bf16, 1 and 1 + 1/128: the even one is taken.
  write_checkpoint(model, output, false, all_of(kNorm, 1.00390625f), [&](std::uint64_t count) { bytes += count; });
  const model::Checkpoint before(model), after(output);
  const auto then = before.tensors(), now = after.tensors();
  ASSERT_EQ(now.size(), then.size());
  for (std::size_t i = 0; i < now.size(); ++i) {
    EXPECT_EQ(now[i].stored, then[i].stored);
    EXPECT_EQ(now[i].view.dtype, then[i].view.dtype);
    EXPECT_EQ(std::ranges::equal(now[i].view.bytes(), then[i].view.bytes()), now[i].canonical != kNorm)
        << now[i].canonical;
  }
  const tensor::Tensor norm = to_f32(after.tensor(kNorm, {128}));
  EXPECT_THAT(norm.as<float>(), testing::Each(1.0f));
  EXPECT_EQ(bytes, before.bytes());
  for (const char* file : {"config.json", "tokenizer.json", "preprocessor_config.json"})
    EXPECT_EQ(read_file(output / file), read_file(model / file)) << file;
  EXPECT_FALSE(fs::exists(output / "model.safetensors.index.json")) << "the shards became one file";
}

TEST(WriteCheckpoint, AStopLeavesNothingThatLooksComplete) {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "out";
  int written = 0;
  const auto stop = [&](std::uint64_t) { require<DeviceError>(++written < 5, "stop"); };
  EXPECT_THAT([&] { write_checkpoint(golden("ckpt/tiny-small-f32"), output, false, all_of(kNorm, 1), stop); },
              ThrowsMessage<DeviceError>("stop"));
  EXPECT_FALSE(fs::exists(output / "config.json"));
  EXPECT_FALSE(fs::exists(output / "model.safetensors"));
}

TEST(WriteCheckpoint, WeightsThatLeaveTheirTypeAreRefused) {
  const TemporaryFolder folder;
  const Replacement too_large = all_of(kNorm, 3.4e38f);  // more than bf16 has
  EXPECT_THAT(
      [&] {
        write_checkpoint(golden("ckpt/tiny-small-bf16-2shard"), folder.path() / "out", false, too_large, nullptr);
      },
      ThrowsMessage<ModelError>(HasSubstr("language_model.model.norm.weight\" becomes NaN or infinite as bf16")));
}

TEST(WriteCheckpoint, IntegersAreNotReplaced) {
  const TemporaryFolder folder;
  test::copy_with_int8_matrix(folder.path() / "model");
  const Replacement matrix = all_of("language_model.layers.0.self_attn.q_proj.weight", 1);
  EXPECT_THAT([&] { write_checkpoint(folder.path() / "model", folder.path() / "out", false, matrix, nullptr); },
              ThrowsMessage<ModelError>("[merge] a weight is stored as i8: only f32, f16 and bf16 can be changed"));
}

TEST(WriteTrainedWeights, TakesThePlaceOfWhatWasThere) {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "model";
  fs::copy(golden("ckpt/tiny-small-bf16-2shard"), output);
  std::vector<Trainee::Weight> weights;
  weights.push_back({kNorm, tensor::Tensor(tensor::DType::f32, {128}), {}});
  std::ranges::fill(weights[0].values.as<float>(), 2.5f);
  write_trained_weights(golden("ckpt/tiny-small-f32"), output, weights);
  const model::Checkpoint after(output);
  EXPECT_EQ(after.files().size(), 1u);
  EXPECT_EQ(after.stored_dtype(), tensor::DType::f32);
  EXPECT_THAT(after.tensor(kNorm, {128}).as<float>(), testing::Each(2.5f));
}

/// Writes an adapter of rank 1 and a scale of 1/2 for a matrix: A is all ones, B is 6 in one row.
fs::path write_adapter(const TemporaryFolder& folder, const std::string& module, std::int64_t outputs,
                       std::int64_t inputs, std::size_t row) {
  const fs::path adapter = folder.path() / "adapter";
  fs::create_directory(adapter);
  const std::size_t layer = module.find("layers.");
  const std::string target = module.substr(layer == std::string::npos ? 0 : layer);
  folder.write("adapter/adapter_config.json",
               Json{{"peft_type", "LORA"}, {"r", 1}, {"lora_alpha", 0.5}, {"target_modules", {target}}}.dump());
  const std::vector<float> a(static_cast<std::size_t>(inputs), 1);
  std::vector<float> b(static_cast<std::size_t>(outputs), 0);
  b[row] = 6;
  const std::string name = "base_model.model." + module;
  tensor::SafetensorsWriter writer(adapter / "adapter_model.safetensors",
                                   {{name + ".lora_A.weight", tensor::DType::f32, {1, inputs}},
                                    {name + ".lora_B.weight", tensor::DType::f32, {outputs, 1}}});
  writer.write(name + ".lora_A.weight", std::as_bytes(std::span(a)));
  writer.write(name + ".lora_B.weight", std::as_bytes(std::span(b)));
  writer.finish();
  return adapter;
}

TEST(MergeAdapter, AddsScaleTimesBTimesA) {
  const TemporaryFolder folder;
  const fs::path model = golden("ckpt/tiny-small-f32"), output = folder.path() / "merged";
  const fs::path adapter = write_adapter(folder, "model.layers.2.mlp.down_proj", 128, 352, 3);
  merge_adapter(model, adapter, output, false, nullptr);
  const model::Checkpoint before(model), after(output);
  const auto then = before.tensors(), now = after.tensors();
  ASSERT_EQ(now.size(), then.size());
  for (std::size_t i = 0; i < now.size(); ++i) {
    const bool adapted = now[i].canonical == "language_model.layers.2.mlp.down_proj.weight";
    EXPECT_EQ(std::ranges::equal(now[i].view.bytes(), then[i].view.bytes()), !adapted) << now[i].canonical;
    if (!adapted) continue;
    const auto found = now[i].view.as<float>(), old = then[i].view.as<float>();
    for (std::size_t k = 0; k < found.size(); ++k)
      ASSERT_FLOAT_EQ(found[k], old[k] + (k / 352 == 3 ? 3.0f : 0.0f)) << k;
  }
}

TEST(MergeAdapter, KeepsTypesAndNames) {
  const TemporaryFolder folder;
  const fs::path base = golden("ckpt/tiny-small-bf16-2shard"), output = folder.path() / "merged";
  merge_adapter(base, golden("train/adapter_20step"), output, false, nullptr);
  const model::Checkpoint before(base), after(output);
  const auto old_tensors = before.tensors(), new_tensors = after.tensors();
  ASSERT_EQ(old_tensors.size(), new_tensors.size());
  int changed = 0;
  for (std::size_t i = 0; i < old_tensors.size(); ++i) {
    EXPECT_EQ(old_tensors[i].stored, new_tensors[i].stored);
    EXPECT_EQ(old_tensors[i].view.dtype, new_tensors[i].view.dtype);
    changed += !std::ranges::equal(old_tensors[i].view.bytes(), new_tensors[i].view.bytes());
  }
  EXPECT_EQ(changed, 28);
}

TEST(MergeAdapter, CheckpointsThatHoldNaNAreRefused) {
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "base", output = folder.path() / "merged";
  copy_with(base, "language_model.model.layers.1.mlp.up_proj.weight", NAN);
  EXPECT_THAT([&] { merge_adapter(base, golden("train/adapter_20step"), output, false, nullptr); },
              ThrowsMessage<ModelError>(HasSubstr("layers.1.mlp.up_proj.weight\" holds NaN or infinity")));
  EXPECT_FALSE(fs::exists(output));
}

TEST(MergeAdapter, QuantisedWeightsAreRefused) {
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "base", output = folder.path() / "merged";
  test::copy_with_int8_matrix(base);
  EXPECT_THAT([&] { merge_adapter(base, golden("train/adapter_20step"), output, false, nullptr); },
              ThrowsMessage<ModelError>("[" + base.string() +
                                        "] is quantised: merge into the checkpoint it was made "
                                        "from, then quantise again"));
  EXPECT_FALSE(fs::exists(output));
}

TEST(MergeAdapter, AHeadThatIsTheEmbeddingTableIsRefused) {
  const TemporaryFolder folder;
  const fs::path base = folder.path() / "base", adapter = write_adapter(folder, "lm_head", 2368, 128, 0);
  fs::copy(golden("ckpt/tiny-small-f32"), base);
  Json config = read_json(base / "config.json");
  config["text_config"]["tie_word_embeddings"] = config["tie_word_embeddings"] = true;
  fs::remove(base / "config.json");
  folder.write("base/config.json", config.dump());
  EXPECT_THAT([&] { merge_adapter(base, adapter, folder.path() / "merged", false, nullptr); },
              ThrowsMessage<ModelError>("[merge] the adapter changes lm_head, which is the embedding table in this "
                                        "model: it cannot be merged without changing both"));
}

TEST(MergeAdapter, TheAdaptersOwnFolderIsNoOutput) {
  const TemporaryFolder folder;
  const fs::path adapter = write_adapter(folder, "model.layers.2.mlp.down_proj", 128, 352, 3);
  EXPECT_THAT([&] { merge_adapter(golden("ckpt/tiny-small-f32"), adapter, adapter, true, nullptr); },
              ThrowsMessage<InvalidInput>("[" + adapter.string() + "] is the adapter's own folder"));
}

}  // namespace
}  // namespace e5v::train

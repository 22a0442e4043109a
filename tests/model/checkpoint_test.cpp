#include "model/checkpoint.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/json.h"
#include "golden.h"
#include "temporary_folder.h"
#include "tensor/safetensors_writer.h"

namespace e5v::model {
namespace {

using e5v::test::golden;
using e5v::test::TemporaryFolder;
using tensor::DType;
using tensor::SafetensorsFile;
using tensor::Shape;
using tensor::Tensor;
using tensor::TensorMap;
using tensor::TensorView;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kSmall = "ckpt/tiny-small-f32";

void write_tensors(const std::filesystem::path& path, const TensorMap& tensors) {
  std::vector<tensor::TensorSpec> specs;
  for (const auto& [name, view] : tensors) specs.push_back({name, view.dtype, view.shape});
  tensor::SafetensorsWriter writer(path, specs);
  for (const auto& [name, view] : tensors) writer.write(name, view.bytes());
  writer.finish();
}

/// The stored name of a golden tensor, which has the names of transformers <= 4.51, in another generation.
using Rename = std::string (*)(const std::string&);

std::string replaced(const std::string& name, const std::vector<std::pair<std::string, std::string>>& prefixes) {
  for (const auto& [from, to] : prefixes) {
    if (name.starts_with(from)) return to + name.substr(from.size());
  }
  return name;
}

std::string same(const std::string& name) { return name; }

std::string original(const std::string& name) {
  return replaced(name, {{"language_model.model.", "model."},
                         {"language_model.lm_head", "lm_head"},
                         {"vision_tower.", "model.vision_tower.vision_tower."},
                         {"multi_modal_projector.linear_1", "model.mm_projector.0"},
                         {"multi_modal_projector.linear_2", "model.mm_projector.2"},
                         {"image_newline", "model.image_newline"}});
}

std::string current(const std::string& name) {
  return replaced(name, {{"language_model.model.", "model.language_model."},
                         {"language_model.lm_head", "lm_head"},
                         {"vision_tower.", "model.vision_tower."},
                         {"multi_modal_projector.", "model.multi_modal_projector."},
                         {"image_newline", "model.image_newline"}});
}

/// LlavaNextModel by itself, as transformers has it in memory.
std::string base(const std::string& name) {
  return replaced(name, {{"language_model.model.", "language_model."},
                         {"language_model.lm_head", "lm_head"},
                         {"vision_tower.vision_model.", "vision_tower."}});
}

TensorMap renamed(const TensorMap& tensors, Rename rename) {
  TensorMap result;
  for (const auto& [name, view] : tensors) result.emplace(rename(name), view);
  return result;
}

/// Writes two shards and their index.
void write_sharded(const std::filesystem::path& folder, const TensorMap& tensors) {
  TensorMap shards[2];
  Json index = {{"metadata", {{"total_size", 0}}}, {"weight_map", Json::object()}};
  std::size_t i = 0;
  for (const auto& [name, view] : tensors) {
    const std::size_t shard = i++ % 3 == 0 ? 1 : 0;
    shards[shard].emplace(name, view);
    index["weight_map"][name] = shard == 0 ? "one.safetensors" : "two.safetensors";
  }
  write_tensors(folder / "one.safetensors", shards[0]);
  write_tensors(folder / "two.safetensors", shards[1]);
  std::ofstream(folder / "model.safetensors.index.json") << index;
}

void expect_error(const std::filesystem::path& folder, const std::string& message) {
  EXPECT_THAT([&] { Checkpoint checkpoint(folder); },
              ThrowsMessage<ModelError>(AllOf(HasSubstr(folder.string()), HasSubstr(message))));
}

TEST(CanonicalName, Table) {
  const std::vector<std::vector<std::string>> rows{
      {"language_model.layers.3.self_attn.q_proj.weight", "model.layers.3.self_attn.q_proj.weight",
       "language_model.model.layers.3.self_attn.q_proj.weight",
       "model.language_model.layers.3.self_attn.q_proj.weight"},
      {"language_model.embed_tokens.weight", "model.embed_tokens.weight", "language_model.model.embed_tokens.weight",
       "model.language_model.embed_tokens.weight"},
      {"language_model.norm.weight", "model.norm.weight", "language_model.model.norm.weight",
       "model.language_model.norm.weight"},
      {"lm_head.weight", "lm_head.weight", "language_model.lm_head.weight", "model.lm_head.weight"},
      {"vision_tower.embeddings.class_embedding",
       "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding",
       "vision_tower.vision_model.embeddings.class_embedding",
       "model.vision_tower.vision_model.embeddings.class_embedding"},
      {"vision_tower.pre_layrnorm.bias", "model.vision_tower.vision_tower.vision_model.pre_layrnorm.bias",
       "vision_tower.vision_model.pre_layrnorm.bias", "model.vision_tower.pre_layrnorm.bias"},
      {"projector.linear_1.weight", "model.mm_projector.0.weight", "multi_modal_projector.linear_1.weight",
       "model.multi_modal_projector.linear_1.weight"},
      {"projector.linear_2.bias", "model.mm_projector.2.bias", "multi_modal_projector.linear_2.bias",
       "model.multi_modal_projector.linear_2.bias"},
      {"image_newline", "model.image_newline", "image_newline", "model.image_newline"},
  };
  for (const auto& row : rows) {
    for (const std::string& name : row) EXPECT_EQ(llava_next_names().canonical(name), row.front()) << name;
  }
  EXPECT_EQ(llava_next_names().canonical("something.else"), "something.else");
}

TEST(CanonicalName, OfLanguageModelsByThemselves) {  // LlamaModel, MistralModel
  for (const std::string name : {"layers.3.self_attn.q_proj.weight", "embed_tokens.weight", "norm.weight"})
    EXPECT_EQ(llava_next_names().canonical(name), "language_model." + name);
}

TEST(Checkpoint, ReadsGolden) {
  const Checkpoint checkpoint(golden(kSmall));
  EXPECT_EQ(checkpoint.files(), std::vector{golden(kSmall) / "model.safetensors"});
  EXPECT_EQ(checkpoint.stored_dtype(), DType::f32);
  EXPECT_EQ(checkpoint.bytes(), 6246656u);
  EXPECT_TRUE(checkpoint.has("lm_head.weight"));
  EXPECT_FALSE(checkpoint.has("language_model.model.norm.weight"));
  const TensorView norm = checkpoint.tensor("language_model.norm.weight", {128});
  EXPECT_EQ(norm.as<float>().size(), 128u);
  EXPECT_EQ(checkpoint.first_non_finite(), std::nullopt);
  checkpoint.release(norm);
  EXPECT_TRUE(all_finite(norm));
}

TEST(Checkpoint, ReadsShards) {
  const Checkpoint sharded(golden("ckpt/tiny-small-bf16-2shard")), single(golden(kSmall));
  EXPECT_EQ(sharded.files().size(), 2u);
  EXPECT_EQ(sharded.stored_dtype(), DType::bf16);
  EXPECT_EQ(sharded.bytes(), 3123328u);  // the index's own total_size
  EXPECT_NE(sharded.fingerprint(), single.fingerprint());
  const TensorView narrow = sharded.tensor("language_model.layers.3.mlp.down_proj.weight", {128, 352});
  const TensorView wide = single.tensor("language_model.layers.3.mlp.down_proj.weight", {128, 352});
  for (std::size_t i = 0; i < wide.as<float>().size(); ++i) {
    ASSERT_EQ(narrow.as<tensor::BFloat16>()[i].bits, tensor::BFloat16(wide.as<float>()[i]).bits);
  }
}

TEST(Checkpoint, GenerationsAndShardingAreAlike) {
  const SafetensorsFile file(golden(kSmall) / "model.safetensors");
  const Checkpoint reference(golden(kSmall));
  const Rename generations[] = {same, original, current, base};
  for (const Rename generation : generations) {
    for (const bool sharded : {false, true}) {
      const TemporaryFolder folder;
      const TensorMap tensors = renamed(file.tensors(), generation);
      if (sharded) {
        write_sharded(folder.path(), tensors);
      } else {
        write_tensors(folder.path() / "model.safetensors", tensors);
      }
      const Checkpoint checkpoint(folder.path());
      EXPECT_EQ(checkpoint.files().size(), sharded ? 2u : 1u);
      EXPECT_EQ(checkpoint.fingerprint(), reference.fingerprint());
      EXPECT_EQ(checkpoint.bytes(), reference.bytes());
      for (const auto& [name, view] : file.tensors()) {
        const TensorView found = checkpoint.tensor(llava_next_names().canonical(name), view.shape);
        ASSERT_TRUE(std::equal(view.bytes().begin(), view.bytes().end(), found.bytes().begin())) << name;
      }
    }
  }
}

TEST(Checkpoint, FingerprintIgnoresUnusedTensors) {
  const SafetensorsFile file(golden(kSmall) / "model.safetensors");
  TensorMap tensors = file.tensors();
  const Hash128 fingerprint = Checkpoint(tensors, "memory").fingerprint();
  EXPECT_EQ(fingerprint, Checkpoint(golden(kSmall)).fingerprint());
  tensors.erase("language_model.lm_head.weight");
  tensors.erase("vision_tower.vision_model.post_layernorm.bias");
  const Tensor extra = Tensor(DType::i64, {1, 577});
  tensors.emplace("vision_tower.vision_model.embeddings.position_ids", extra.view());
  tensors.emplace("language_model.model.layers.0.self_attn.rotary_emb.inv_freq", extra.view());
  EXPECT_EQ(Checkpoint(tensors, "memory").fingerprint(), fingerprint);
  tensors.erase("image_newline");
  EXPECT_NE(Checkpoint(tensors, "memory").fingerprint(), fingerprint);
}

TEST(Checkpoint, FingerprintSeesNamesTypesShapesAndValues) {
  Tensor tensor(DType::f32, {64, 64});
  std::fill(tensor.as<float>().begin(), tensor.as<float>().end(), 1.0f);
  const auto fingerprint = [](const std::string& name, const TensorView& view) {
    return Checkpoint(TensorMap{{name, view}}, "memory").fingerprint();
  };
  std::set<Hash128> seen{fingerprint("a", tensor.view()), fingerprint("b", tensor.view()),
                         fingerprint("a", {tensor.data(), DType::i32, {64, 64}}),
                         fingerprint("a", {tensor.data(), DType::f32, {32, 128}})};
  EXPECT_EQ(seen.size(), 4u);
  for (const std::size_t place : {std::size_t{0}, tensor.as<float>().size() - 1}) {  // ends are always sampled
    tensor.as<float>()[place] = 2;
    seen.insert(fingerprint("a", tensor.view()));
  }
  EXPECT_EQ(seen.size(), 6u);
}

TEST(Checkpoint, OpensTheOnlySafetensors) {
  const TemporaryFolder folder;
  const SafetensorsFile file(golden(kSmall) / "model.safetensors");
  write_tensors(folder.path() / "weights.safetensors", file.tensors());
  EXPECT_TRUE(Checkpoint(folder.path()).has("image_newline"));
  write_tensors(folder.path() / "more.safetensors", {});
  expect_error(folder.path(), "which of 2 *.safetensors belong together");
}

TEST(Checkpoint, FoldersWithoutWeights) {
  const TemporaryFolder folder;
  expect_error(folder.path() / "missing", "no such folder");
  expect_error(folder.path(), "found no weights");
  const auto file = folder.write("pytorch_model-00001-of-00002.bin", "x");
  expect_error(file, "found a file");
  expect_error(folder.path(), "found \"pytorch_model-00001-of-00002.bin\", pickled weights: convert them");
  write_tensors(folder.path() / "model.safetensors", {});
  expect_error(folder.path(), "expected tensors, found none");
}

TEST(Checkpoint, BrokenFiles) {
  const TemporaryFolder folder;
  folder.write("model.safetensors", "");
  expect_error(folder.path(), "model.safetensors] is empty");
  folder.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\n");
  expect_error(folder.path(), "is a Git LFS pointer, not the file itself");
}

TEST(Checkpoint, MissingShardsAreAllNamed) {
  const TemporaryFolder folder;
  folder.write("model.safetensors.index.json",
               R"({"weight_map": {"a": "x-1.safetensors", "b": "x-2.safetensors", "c": "x-1.safetensors"}})");
  expect_error(folder.path(), R"(are missing: "x-1.safetensors", "x-2.safetensors")");
}

TEST(Checkpoint, IndexThatLies) {
  const TemporaryFolder folder;
  const Tensor tensor(DType::f32, {1});
  write_tensors(folder.path() / "s.safetensors", {{"a", tensor.view()}});
  const auto with_index = [&](const std::string& index, const std::string& message) {
    folder.write("model.safetensors.index.json", index);
    expect_error(folder.path(), message);
  };
  with_index("{", "index.json] is not JSON");
  with_index("[]", "expected an object \"weight_map\"");
  with_index("{}", "expected an object \"weight_map\"");
  with_index(R"({"weight_map": {}})", "that is not empty");
  with_index(R"({"weight_map": {"a": 3}})", "expected a file name for \"a\", found number");
  for (const std::string shard :
       {"../s.safetensors", "/etc/passwd", "x/../../s.safetensors", "", "..", "s.safetensors\\u0000"}) {
    with_index("{\"weight_map\": {\"a\": \"" + shard + "\"}}", "expected a file inside the folder for \"a\", found");
  }
  with_index(R"({"weight_map": {"a": "s.safetensors", "b": "s.safetensors"}})", "tensor \"b\" is missing, although");
  folder.write("model.safetensors.index.json", R"({"weight_map": {"a": "./s.safetensors"}})");
  EXPECT_TRUE(Checkpoint(folder.path()).has("a"));
}

TEST(Checkpoint, TwoNamesOfOneWeight) {
  const Tensor tensor(DType::f32, {1});
  EXPECT_THAT(
      ([&] {
        Checkpoint(TensorMap{{"model.norm.weight", tensor.view()}, {"language_model.model.norm.weight", tensor.view()}},
                   "memory");
      }),
      ThrowsMessage<ModelError>(
          "[memory] tensors \"language_model.model.norm.weight\" and \"model.norm.weight\" are the "
          "same weight, language_model.norm.weight"));
}

TEST(Checkpoint, TensorsThatContradict) {
  const Checkpoint checkpoint(golden(kSmall));
  EXPECT_THAT([&] { checkpoint.tensor("language_model.norm.weight", {64}); },
              ThrowsMessage<ModelError>(fmt::format(
                  "[{}] tensor \"language_model.model.norm.weight\": expected shape [64] from config.json, found [128]",
                  (golden(kSmall) / "model.safetensors").string())));
  EXPECT_THAT(
      [&] {
        checkpoint.tensor("language_model.layers.9.mlp.up_proj.weight", {2, 3});
      },
      ThrowsMessage<ModelError>(fmt::format(
          "[{}] tensor \"language_model.layers.9.mlp.up_proj.weight\" is missing, expected with shape [2, 3]",
          golden(kSmall).string())));
  const Tensor integers(DType::i8, {4});
  EXPECT_THAT(([&] {
                Checkpoint(TensorMap{{"model.norm.weight", integers.view()}}, "memory")
                    .tensor("language_model.norm.weight", {4});
              }),
              ThrowsMessage<ModelError>("[memory] tensor \"model.norm.weight\": expected f32, f16 or bf16, found i8"));
}

TEST(Checkpoint, DtypeOfMostBytes) {
  const Tensor small(DType::f32, {8}), big(DType::f16, {32}), integers(DType::i64, {100});
  EXPECT_EQ(Checkpoint(TensorMap{{"a", small.view()}, {"b", big.view()}, {"c", integers.view()}}, "m").stored_dtype(),
            DType::f16);
  EXPECT_THAT(
      [&] {
        Checkpoint(TensorMap{{"c", integers.view()}}, "m").stored_dtype();
      },
      ThrowsMessage<ModelError>(HasSubstr("expected f32, f16 or bf16 weights, found none")));
}

TEST(Checkpoint, NamesTheFirstNonFinite) {
  const TemporaryFolder folder;
  Tensor good(DType::f32, {5000}), bad(DType::f32, {5000});
  for (const Tensor& tensor : {std::cref(good), std::cref(bad)})
    std::fill(tensor.as<float>().begin(), tensor.as<float>().end(), 1.0f);
  bad.as<float>()[4321] = std::nanf("");
  write_tensors(
      folder.path() / "model.safetensors",
      {{"model.layers.0.a", good.view()}, {"model.layers.1.a", bad.view()}, {"model.norm.weight", bad.view()}});
  EXPECT_EQ(Checkpoint(folder.path()).first_non_finite(), "model.layers.1.a");
}

}  // namespace
}  // namespace e5v::model

// Adapters that PEFT trained and merged: tests/golden/train.
#include <gtest/gtest.h>

#include "api/model.h"
#include "base/file.h"
#include "embed/golden_suite.h"
#include "model/adapter.h"
#include "temporary_folder.h"
#include "tensor/safetensors_writer.h"
#include "train/write_checkpoint.h"

namespace e5v::train {
namespace {

using e5v::test::golden;
using e5v::test::golden_row;
using e5v::test::max_difference;

const char* const kBase = "ckpt/tiny-small-f32";

/// Vectors of texts and images are those of PeftModel.merge_and_unload().
void expect_merged_vectors(const std::filesystem::path& model, const std::filesystem::path& adapter) {
  const tensor::SafetensorsFile expected(golden("train/merged_embeddings.safetensors"));
  for (const bool paper_compat : {false, true}) {
    e5v::test::ModelOptions options = e5v::test::raw_options(ComputeType::f32);
    options.adapter = adapter;
    options.paper_compat = paper_compat;
    e5v::test::Model embedder(model, options);
    std::vector<Input> images;
    for (const char* name : {"img00", "img01", "img04", "img06"}) {
      for (const auto& entry : std::filesystem::directory_iterator(golden("images"))) {
        if (entry.path().filename().string().starts_with(name)) images.push_back(Input::from_image(entry.path()));
      }
    }
    ASSERT_EQ(images.size(), 4u);
    const Embeddings found = embedder.embed(images);
    for (std::size_t i = 0; i < images.size(); ++i) {
      EXPECT_LT(max_difference(found.row(static_cast<std::int64_t>(i)),
                               golden_row(expected, paper_compat ? "images_v4412" : "images_v5", i)),
                e5v::test::kTolerance)
          << i;
    }
    std::vector<Input> texts;
    for (const std::string& sentence : e5v::test::golden_sentences()) texts.push_back(Input::from_text(sentence));
    const Embeddings vectors = embedder.embed(texts);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      EXPECT_LT(max_difference(vectors.row(row), golden_row(expected, "texts_emb_single", i)), e5v::test::kTolerance)
          << i;
    }
  }
}

TEST(AdapterGolden, AttachedGivesTheMergedVectors) {
  expect_merged_vectors(golden(kBase), golden("train/adapter_20step"));
}

TEST(AdapterGolden, MergedGivesThemToo) {
  const e5v::test::TemporaryFolder folder;
  const auto output = folder.path() / "merged";
  merge_adapter(golden(kBase), golden("train/adapter_20step"), output, false, nullptr);
  expect_merged_vectors(output, {});
  const model::Checkpoint merged(output);
  const tensor::SafetensorsFile expected(golden("train/merged_weights_sample.safetensors"));
  int compared = 0;
  for (const auto& [name, view] : expected.tensors()) {
    const auto found = merged.tensor(model::llava_next_names().canonical(name), view.shape);
    EXPECT_LT(max_difference(found.as<float>(), view.as<float>()), 1e-6) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 2);
  EXPECT_EQ(read_file(output / "tokenizer.json"), read_file(golden(kBase) / "tokenizer.json"));
}

/// Vectors of texts and images are those of PEFT with LoRA in the tower, the projector and the language model.
void expect_vectors_of_everywhere(const std::filesystem::path& model, const std::filesystem::path& adapter) {
  const tensor::SafetensorsFile expected(golden("adapter/everywhere_vectors.safetensors"));
  e5v::test::ModelOptions options = e5v::test::raw_options(ComputeType::f32);
  options.adapter = adapter;
  e5v::test::Model embedder(model, options);
  const std::vector<Input> texts{Input::from_text("A tabby cat sits on a wall."),
                                 Input::from_text("Two men play chess.")};
  const std::vector<Input> images{Input::from_image(golden("images/img04_tiny_3x2.png")),
                                  Input::from_image(golden("images/img03_tiny_1x1.png"))};
  for (const auto& [name, inputs] : {std::pair("texts", texts), std::pair("images", images)}) {
    const Embeddings found = embedder.embed(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_LT(max_difference(found.row(static_cast<std::int64_t>(i)), golden_row(expected, name, i)),
                e5v::test::kTolerance)
          << name << i;
    }
  }
}

TEST(AdapterGolden, TowerAndProjectorAreAdapted) {
  expect_vectors_of_everywhere(golden(kBase), golden("adapter/everywhere"));
}

TEST(AdapterGolden, TowerAndProjectorAreMerged) {
  const e5v::test::TemporaryFolder folder;
  merge_adapter(golden(kBase), golden("adapter/everywhere"), folder.path() / "merged", false, nullptr);
  expect_vectors_of_everywhere(folder.path() / "merged", {});
}

TEST(AdapterGolden, EveryPartOfItCounts) {
  // Without the part the vector of an image must be another, or the tests above would say nothing about it.
  const model::ModelConfig config = model::read_config(golden(kBase));
  const model::Adapter adapter = model::Adapter::read(golden("adapter/everywhere"), config);
  for (const char* part :
       {"vision_tower.encoder.layers.1", "projector.linear_1", "projector.linear_2", "language_model"}) {
    EXPECT_TRUE(std::ranges::any_of(adapter.parts, [&](const nn::Lora& lora) {
      return lora.target.starts_with(part) &&
             max_difference(lora.b_NR.as<float>(), std::vector<float>(lora.b_NR.as<float>().size())) > 0.1;
    })) << part;
  }
  EXPECT_EQ(adapter.parts.size(), 3u * 6 + 2 + 4 * 3);
  EXPECT_TRUE(adapter.inside_llava);
}

TEST(AdapterGolden, TheHeadChangesNoVectorAndIsMerged) {
  const e5v::test::TemporaryFolder folder;
  const auto adapter = folder.path() / "adapter";
  std::filesystem::create_directory(adapter);
  write_file_atomically(adapter / "adapter_config.json", R"({"r": 1, "lora_alpha": 1, "target_modules": ["lm_head"]})");
  const std::vector<float> ones(2368, 1);
  tensor::SafetensorsWriter writer(adapter / "adapter_model.safetensors",
                                   {{"base_model.model.lm_head.lora_A.weight", tensor::DType::f32, {1, 128}},
                                    {"base_model.model.lm_head.lora_B.weight", tensor::DType::f32, {2368, 1}}});
  writer.write("base_model.model.lm_head.lora_A.weight", std::as_bytes(std::span(ones).first(128)));
  writer.write("base_model.model.lm_head.lora_B.weight", std::as_bytes(std::span(ones)));
  writer.finish();
  e5v::test::ModelOptions options = e5v::test::raw_options(ComputeType::f32);
  const std::vector<Input> texts{Input::from_text("a cat")};
  const Embeddings plain = e5v::test::Model(golden(kBase), options).embed(texts);
  options.adapter = adapter;
  EXPECT_EQ(max_difference(e5v::test::Model(golden(kBase), options).embed(texts).row(0), plain.row(0)), 0);
  merge_adapter(golden(kBase), adapter, folder.path() / "merged", false, nullptr);
  const model::Checkpoint before(golden(kBase)), after(folder.path() / "merged");
  const tensor::Shape shape{2368, 128};
  const auto old_head = before.tensor("lm_head.weight", shape), new_head = after.tensor("lm_head.weight", shape);
  for (const std::size_t i : {0u, 1000u, 2368u * 128 - 1})
    EXPECT_FLOAT_EQ(new_head.as<float>()[i], old_head.as<float>()[i] + 1);
}

}  // namespace
}  // namespace e5v::train

#include <gmock/gmock.h>

#include <fstream>

#include "api/embedder_impl.h"
#include "api/model.h"
#include "embed/goldens.h"
#include "inspect/doctor.h"
#include "inspect/info.h"

namespace e5v::test {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kFamilyTolerance = 5e-5, kBatchTolerance = 1e-5, kBf16Cosine = 0.9995;

/// Two random CLIPs: 224 pixels in patches of 16, quick_gelu, OpenAI's wrong eos_token_id, bf16 weights; and 336 in
/// patches of 14, gelu, the true one, f16 weights.
class Clip : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path folder_ = golden("ckpt") / GetParam();
  tensor::SafetensorsFile vectors_{golden(std::string("clip/") + GetParam() + ".safetensors")};
  Json facts_ = read_json(golden("clip/clip.json"));

  ModelOptions raw(ComputeType type = ComputeType::f32) const {
    ModelOptions options;
    options.dtype = type;
    options.normalize = false;
    options.apply_exif = false;
    return options;
  }
  std::vector<Input> texts() const {
    std::vector<Input> inputs;
    for (const Json& text : facts_.at("texts")) inputs.push_back(Input::from_text(text.get<std::string>()));
    return inputs;
  }
  std::vector<Input> images() const {
    std::vector<Input> inputs;
    for (const Json& crop : facts_.at("models").at(GetParam()).at("crops"))
      inputs.push_back(Input::from_image(golden("images") / crop.at("image").get<std::string>()));
    return inputs;
  }
};

TEST_P(Clip, TextsHaveTransformersVectors) {
  Model embedder(folder_, raw());
  const std::vector<Input> inputs = texts();
  const Embeddings batch = embedder.embed(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Embeddings single = embedder.embed(std::span(inputs).subspan(i, 1));
    const auto together = batch.row(static_cast<std::int64_t>(i));
    EXPECT_LT(max_difference(single.row(0), golden_row(vectors_, "texts", i)), kFamilyTolerance) << *inputs[i].text;
    EXPECT_LT(max_difference(together, golden_row(vectors_, "texts_padded", i)), kFamilyTolerance) << *inputs[i].text;
    EXPECT_LT(max_difference(single.row(0), together), kBatchTolerance) << *inputs[i].text;
    EXPECT_LE(single.token_counts[0], 77) << *inputs[i].text;
  }
}

TEST_P(Clip, ImagesHaveTransformersVectors) {
  ModelOptions options = raw();
  options.token_budget = 8192;
  Model embedder(folder_, options);
  const std::vector<Input> inputs = images();
  const Embeddings batch = embedder.embed(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Embeddings single = embedder.embed(std::span(inputs).subspan(i, 1));
    const auto together = batch.row(static_cast<std::int64_t>(i));
    EXPECT_LT(max_difference(together, golden_row(vectors_, "images", i)), kFamilyTolerance) << i;
    EXPECT_LT(max_difference(single.row(0), together), kBatchTolerance) << i;
  }
}

TEST_P(Clip, SixteenBitsKeepTheDirection) {
  Model embedder(folder_, raw(ComputeType::bf16));
  const Embeddings texts_found = embedder.embed(texts()), images_found = embedder.embed(images());
  for (std::int64_t i = 0; i < texts_found.size(); ++i)
    EXPECT_GE(cosine(texts_found.row(i), golden_row(vectors_, "texts", static_cast<std::size_t>(i))), kBf16Cosine) << i;
  for (std::int64_t i = 0; i < images_found.size(); ++i)
    EXPECT_GE(cosine(images_found.row(i), golden_row(vectors_, "images", static_cast<std::size_t>(i))), kBf16Cosine)
        << i;
}

TEST_P(Clip, NamedPromptsAreTheBareTextOrImage) {
  Model embedder(folder_, raw());
  Input text = texts()[0], image = images()[0];
  const Embeddings bare = embedder.embed(std::vector{text, image});
  text.prompt = "sts", image.prompt = "cirr-gallery";
  const Embeddings named = embedder.embed(std::vector{text, image});
  EXPECT_EQ(bare.values, named.values);
  EXPECT_EQ(bare.fingerprint(0), named.fingerprint(0));
  text.text = "cat", text.prompt = "a photo of a <sent>";
  const Embeddings own = embedder.embed(std::vector{text});
  EXPECT_LT(max_difference(own.row(0), bare.row(0)), kBatchTolerance);  // the first golden is "a photo of a cat"
  EXPECT_NE(own.fingerprint(0).prompt, bare.fingerprint(0).prompt);
}

TEST_P(Clip, ComposedInputsAreRefusedByMessage) {
  Model embedder(folder_, raw());
  const Input composed = Input::composed(golden("images/img04_tiny_3x2.png"), "make it blue");
  const auto embed_with = [&](Input input, const std::string& prompt) {
    if (!prompt.empty()) input.prompt = prompt;
    embedder.embed(std::vector{input});
  };
  EXPECT_THAT([&] { embed_with(composed, ""); },
              ThrowsMessage<InvalidInput>("input 0: [prompt] \"cirr-query\" is for an image changed by a text; this "
                                          "model takes a text or an image, not both"));
  EXPECT_THAT([&] { embed_with(composed, "<image> with <sent>"); },
              ThrowsMessage<InvalidInput>(HasSubstr("takes a text or an image, not both")));
  EXPECT_THAT(
      [&] { embed_with(images()[0], "<image> in one word"); },
      ThrowsMessage<InvalidInput>(HasSubstr("has other words than <image>; this model reads none with an image")));
}

TEST_P(Clip, SeveralImagesAreRefusedByMessage) {
  Model embedder(folder_, raw());
  Input two = Input::from_images({golden("images/img04_tiny_3x2.png"), golden("images/img03_tiny_1x1.png")});
  EXPECT_THAT([&] { embedder.embed(std::vector{two}); },
              ThrowsMessage<InvalidInput>("input 0: [input] 2 images were given, but this model takes one"));
}

TEST_P(Clip, IsDescribedAndPassesTheDoctor) {
  const inspect::ModelInfo info = inspect::inspect(folder_, {});
  EXPECT_EQ(info.architecture, "CLIP");
  EXPECT_EQ(info.generation, "transformers' CLIPModel");
  EXPECT_EQ(info.parameters, info.used.total() + 1);  // the logit scale
  const Json json = to_json(info);
  EXPECT_EQ(json.at("text_tower").at("layers"), json.at("vision_tower").at("layers"));
  EXPECT_EQ(json.at("prompts"), "plain");
  for (const auto& [label, value] : describe(info)) EXPECT_FALSE(value.empty()) << label;
  std::vector<std::string> names;
  inspect::check_model(folder_, {}, [&](const inspect::Check& check) {
    EXPECT_TRUE(check.ok) << check.name << ": " << check.detail;
    names.push_back(check.name);
  });
  EXPECT_THAT(names, testing::IsSupersetOf(
                         {"config.json", "tensors", "tokenizer.json", "preprocessor_config.json", "embedding"}));
}

TEST_P(Clip, MemoryIsWhatTheModelTakes) {
  for (const ComputeType type : {ComputeType::f32, ComputeType::bf16}) {
    ModelOptions options = raw(type);
    options.threads = 1;
    const inspect::ModelInfo info = inspect::inspect(folder_, options, options, options);
    Model embedder(folder_, options);
    const auto owned = static_cast<double>(embedder.impl().engine->owned_bytes());
    // Blocked layouts round the tiny widths up, to twice as much; biases are owned in any case.
    EXPECT_GE(owned, static_cast<double>(info.memory.copied));
    EXPECT_LE(owned, 1.8 * static_cast<double>(info.memory.copied) + 20000);
    embedder.embed(images());
    const auto taken = static_cast<double>(embedder.impl().executor->arena_bytes());
    EXPECT_LT(taken, 2.2 * static_cast<double>(info.memory.activations));
    EXPECT_GT(taken, 0.3 * static_cast<double>(info.memory.activations));
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Clip, testing::Values("tiny-clip", "tiny-clip-336"),
                         [](const auto& model) { return model.index == 0 ? "Patch16At224" : "Patch14At336"; });

/// A copy of a folder with changed files.
class ChangedClip : public testing::Test {
 protected:
  ChangedClip() {
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(golden("ckpt/tiny-clip-336"), folder_);
  }
  ~ChangedClip() override { std::filesystem::remove_all(folder_); }

  template <class Change>
  void change(const char* file, const Change& change) {
    Json json = read_json(folder_ / file);
    change(json);
    std::ofstream(folder_ / file) << json;
  }

  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "e5v-changed-clip";
};

TEST_F(ChangedClip, OlderDictsReplaceTheObjectsBesideThem) {
  Model before(folder_);
  change("config.json", [](Json& json) {
    json["text_config_dict"] = json["text_config"];
    json["vision_config_dict"] = json["vision_config"];
    json["text_config"] = {{"hidden_size", 1}, {"eos_token_id", 2}};
    json["vision_config"] = {{"hidden_size", 1}};
  });
  Model after(folder_);
  const std::vector inputs{Input::from_text("a cat"), Input::from_image(golden("images/img04_tiny_3x2.png"))};
  EXPECT_EQ(before.embed(inputs).values, after.embed(inputs).values);
}

TEST_F(ChangedClip, WithoutItsFilePreprocessingIsOpenAisAtTheTowersSize) {
  Model before(folder_);
  std::filesystem::remove(folder_ / "preprocessor_config.json");
  Model after(folder_);
  const std::vector inputs{Input::from_image(golden("images/img01_wide_1201x250.png"))};
  EXPECT_EQ(before.embed(inputs).values, after.embed(inputs).values);
}

}  // namespace
}  // namespace e5v::test

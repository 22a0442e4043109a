#include "families/llava_next/inspection.h"

#include <gmock/gmock.h>

#include "changed_checkpoint.h"
#include "embed/loading.h"
#include "families/llava_next/memory.h"
#include "temporary_folder.h"

namespace e5v::families {
namespace {

using e5v::test::golden;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;

const std::filesystem::path kLlavaFolder = golden("ckpt/tiny-small-f32");

Description described(const std::filesystem::path& folder, const LoadOptions& load = {}) {
  const model::Checkpoint checkpoint(folder);
  const embed::StoredWeights stored = embed::stored_weights(checkpoint);
  return LlavaNextInspection(folder, load, {}).describe(checkpoint, {nn::Precision::f32, stored, {}});
}

TEST(LlavaNextInspection, AnswersTheDoctorInAFewWords) {
  const LlavaNextInspection inspection(kLlavaFolder, {}, {});
  EXPECT_TRUE(inspection.sees());
  EXPECT_EQ(inspection.config(), "4 layers of width 128; vision tower of 3 layers, width 64");
  EXPECT_EQ(inspection.tensors(model::Checkpoint(kLlavaFolder)), "4 language and 2 vision layers, complete");
  EXPECT_EQ(inspection.tokenizer(), "2305 tokens, llama3 prompts");
  EXPECT_EQ(inspection.preprocess(), "tiles of 336, 5 grids");
}

TEST(LlavaNextInspection, DescribesItsParts) {
  const Description found = described(kLlavaFolder);
  EXPECT_EQ(found.architecture, "LLaVA-NeXT over Llama");
  EXPECT_THAT(
      found.towers,
      ElementsAre(Pair("language model", "4 layers, width 128, 8 heads (2 kv) of 16, MLP 352"),
                  Pair("vision tower", "2 of 3 layers, width 64, 4 heads, MLP 256, tiles of 336, patches of 14")));
  EXPECT_EQ(found.parts.at("language_model").at("kv_heads"), 2);
  EXPECT_EQ(found.parts.at("vision_tower").at("layers_used"), 2);
  EXPECT_EQ(found.parts.at("vision_tower").at("most_tokens"), found.image_tokens);
  EXPECT_EQ(found.width, 128);
  EXPECT_EQ(found.context, 8192);
  EXPECT_EQ(found.image_tokens, 576 + 48 * (48 + 1));
  EXPECT_EQ(found.used.total(), count_parameters(model::read_config(kLlavaFolder)).total());
  EXPECT_TRUE(found.unused.empty());
  EXPECT_FALSE(found.kernel.empty());
  EXPECT_EQ(described(golden("ckpt/tiny-mistral")).architecture, "LLaVA-NeXT over Mistral");
}

TEST(LlavaNextInspection, AnAdapterIsPartOfTheWeights) {
  LoadOptions load;
  load.adapter = golden("adapter/everywhere");
  EXPECT_NE(described(kLlavaFolder, load).fingerprint.weights, described(kLlavaFolder).fingerprint.weights);
  EXPECT_EQ(described(kLlavaFolder, load).fingerprint.preprocessing, described(kLlavaFolder).fingerprint.preprocessing);
}

TEST(LlavaNextInspection, TensorsOutsideOfTheModelAreNamed) {
  const e5v::test::TemporaryFolder folder;
  const auto model = folder.path() / "model";
  e5v::test::copy_with_more(model, "reward_head.weight");
  EXPECT_EQ(LlavaNextInspection(model, {}, {}).tensors(model::Checkpoint(model)),
            "4 language and 2 vision layers, complete; not used: \"reward_head.weight\"");
  EXPECT_THAT(described(model).unused, ElementsAre("reward_head.weight"));
}

/// A copy of the folder's small files, with a changed config.
class ChangedLlavaNext : public testing::Test {
 protected:
  ChangedLlavaNext() {
    for (const char* name : {"tokenizer.json", "preprocessor_config.json"})
      std::filesystem::copy(kLlavaFolder / name, folder_.path());
  }
  LlavaNextInspection inspection(const std::function<void(Json&)>& change) const {
    Json config = read_json(kLlavaFolder / "config.json");
    change(config);
    folder_.write("config.json", config.dump());
    return {folder_.path(), {}, {}};
  }

  e5v::test::TemporaryFolder folder_;
};

TEST_F(ChangedLlavaNext, ShapesMustBeThoseOfTheConfig) {
  const model::Checkpoint checkpoint(kLlavaFolder);
  EXPECT_THAT(
      [&] { inspection([](Json& json) { json["text_config"]["intermediate_size"] = 353; }).tensors(checkpoint); },
      ThrowsMessage<ModelError>(HasSubstr("expected shape [353, 128] from config.json, found [352, 128]")));
  EXPECT_THAT([&] { inspection([](Json& json) { json["text_config"]["num_hidden_layers"] = 5; }).tensors(checkpoint); },
              ThrowsMessage<ModelError>(HasSubstr("layers.4.")));
}

TEST_F(ChangedLlavaNext, ALanguageModelAloneTakesNoImages) {
  const LlavaNextInspection text = inspection([](Json& json) {
    const Json whole = json;
    json = whole.at("text_config");
    json["architectures"] = {"LlamaForCausalLM"};
  });
  EXPECT_FALSE(text.sees());
  EXPECT_EQ(text.config(), "4 layers of width 128, text only");
}

}  // namespace
}  // namespace e5v::families

#include "families/llava_next/engine.h"

#include <gmock/gmock.h>

#include <cmath>

#include "changed_checkpoint.h"
#include "embed/goldens.h"
#include "embed/loading.h"
#include "families/engine_vectors.h"
#include "families/llava_next/forward.h"
#include "families/llava_next/prepare.h"
#include "temporary_folder.h"

namespace e5v::families {
namespace {

using e5v::test::golden;
using e5v::test::golden_row;
using e5v::test::max_difference;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::filesystem::path kSmallFolder = golden("ckpt/tiny-small-f32"), kAdapter = golden("adapter/everywhere");

LoadOptions with_adapter(const std::filesystem::path& adapter) {
  LoadOptions load = test::in_f32();
  load.adapter = adapter;
  return load;
}

TEST(LlavaNextEngine, IsTheModelOfItsFolder) {
  const LlavaNextEngine engine(kSmallFolder, test::in_f32());
  EXPECT_EQ(engine.width(), 128);
  EXPECT_EQ(engine.place(), tensor::Place::host);
  EXPECT_EQ(engine.precision(), nn::Precision::f32);
  EXPECT_EQ(engine.first_non_finite(), std::nullopt);
  const model::Checkpoint checkpoint(kSmallFolder);
  EXPECT_EQ(engine.weights(), embed::weights_hash(checkpoint, config_text(model::read_config(kSmallFolder))));
}

TEST(LlavaNextEngine, ThePrecisionIsWhatWasAskedForOrSuitsTheWeights) {
  LoadOptions load = test::in_f32();
  load.dtype = ComputeType::automatic;
  EXPECT_EQ(LlavaNextEngine(kSmallFolder, load).precision(), nn::Precision::f32);
  EXPECT_EQ(LlavaNextEngine(golden("ckpt/tiny-mistral"), load).precision(), nn::Precision::bf16);
  load.dtype = ComputeType::bf16;
  EXPECT_EQ(LlavaNextEngine(kSmallFolder, load).precision(), nn::Precision::bf16);
}

TEST(LlavaNextEngine, ComputesTheVectorsOfTransformers) {
  LlavaNextEngine engine(kSmallFolder, test::in_f32());
  const std::vector<std::string> sentences = e5v::test::golden_sentences();
  std::vector<Input> inputs;
  for (std::size_t i = 0; i < 4; ++i) inputs.push_back(Input::from_text(sentences.at(i)));
  const auto found = test::vectors_of(engine, test::prepared(engine, inputs));
  const tensor::SafetensorsFile expected(golden("embed/texts_small_f32.safetensors"));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    EXPECT_LT(max_difference(found[i], golden_row(expected, "emb_single", i)), 5e-5) << i;
}

// The vectors of PEFT with LoRA in the tower, the projector and the language model.
TEST(LlavaNextEngine, AnAdapterIsAddedAndIsPartOfTheWeights) {
  LlavaNextEngine plain(kSmallFolder, test::in_f32()), adapted(kSmallFolder, with_adapter(kAdapter));
  EXPECT_NE(adapted.weights(), plain.weights());
  const std::vector inputs{Input::from_text("A tabby cat sits on a wall."), Input::from_text("Two men play chess.")};
  const tensor::SafetensorsFile expected(golden("adapter/everywhere_vectors.safetensors"));
  const auto found = test::vectors_of(adapted, test::prepared(adapted, inputs));
  const auto without = test::vectors_of(plain, test::prepared(plain, inputs));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_LT(max_difference(found[i], golden_row(expected, "texts", i)), 5e-5) << i;
    EXPECT_GT(max_difference(found[i], without[i]), 1e-2) << i;
  }
}

TEST(LlavaNextEngine, AFolderThatIsNoAdapterIsRefusedByMessage) {
  EXPECT_THAT([] { LlavaNextEngine(kSmallFolder, with_adapter(golden("images"))); },
              ThrowsMessage<ModelError>(HasSubstr("images] is no adapter: it has no adapter_config.json")));
}

TEST(LlavaNextEngine, AWeightThatIsNotFiniteIsNamed) {
  const e5v::test::TemporaryFolder folder;
  constexpr const char* kWeight = "language_model.model.norm.weight";
  e5v::test::copy_with(folder.path() / "model", kWeight, NAN);
  const LlavaNextEngine engine(folder.path() / "model", test::in_f32());
  EXPECT_THAT(engine.first_non_finite(), testing::Optional(HasSubstr("norm.weight")));
}

TEST(LlavaNextEngine, PreparersShareTheTokenizer) {
  LlavaNextEngine engine(kSmallFolder, test::in_f32());
  const auto all = engine.preparer({}), one = engine.preparer({.max_tiles = 1});
  EXPECT_EQ(&all->tokenizer(), &one->tokenizer());
  EXPECT_NE(all->preprocessing(), one->preprocessing());
}

}  // namespace
}  // namespace e5v::families

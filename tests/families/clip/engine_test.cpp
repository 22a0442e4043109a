#include "families/clip/engine.h"

#include <gmock/gmock.h>

#include <fstream>

#include "embed/goldens.h"
#include "embed/loading.h"
#include "families/engine_vectors.h"
#include "temporary_folder.h"

namespace e5v::families {
namespace {

using e5v::test::golden;
using e5v::test::golden_row;
using e5v::test::max_difference;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kEngineTolerance = 5e-5;

class ClipEngineTest : public testing::TestWithParam<const char*> {
 protected:
  Input text(std::size_t index) const { return Input::from_text(facts_.at("texts")[index].get<std::string>()); }
  Input image(std::size_t index) const {
    const Json& crop = facts_.at("models").at(GetParam()).at("crops")[index];
    return Input::from_image(golden("images") / crop.at("image").get<std::string>());
  }

  std::filesystem::path folder_ = golden("ckpt") / GetParam();
  tensor::SafetensorsFile vectors_{golden(std::string("clip/") + GetParam() + ".safetensors")};
  Json facts_ = read_json(golden("clip/clip.json"));
};

TEST_P(ClipEngineTest, IsTheModelOfItsFolder) {
  const ClipEngine engine(folder_, test::in_f32());
  const model::ClipModelConfig config = model::read_clip_config(folder_);
  EXPECT_EQ(engine.width(), config.projection);
  EXPECT_EQ(engine.place(), tensor::Place::host);
  EXPECT_EQ(engine.precision(), nn::Precision::f32);
  EXPECT_EQ(engine.first_non_finite(), std::nullopt);
  EXPECT_EQ(engine.weights(),
            embed::weights_hash(model::Checkpoint(folder_, model::clip_names()), config_text(config)));
  LoadOptions load;
  load.device = "cpu";
  EXPECT_EQ(ClipEngine(folder_, load).precision(), nn::Precision::bf16) << "which suits weights of 16 bits";
}

TEST_P(ClipEngineTest, TextsAndImagesShareABatchAndItsOrder) {
  ClipEngine engine(folder_, test::in_f32());
  const std::vector mixed{image(0), text(0), image(4), image(0), text(1), text(0)};
  const std::pair<const char*, std::size_t> expected[] = {{"images", 0}, {"texts", 0}, {"images", 4},
                                                          {"images", 0}, {"texts", 1}, {"texts", 0}};
  const auto found = test::vectors_of(engine, test::prepared(engine, mixed, {.apply_exif = false}));
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    const auto& [name, row] = expected[i];
    EXPECT_LT(max_difference(found[i], golden_row(vectors_, name, row)), kEngineTolerance) << i;
  }
  EXPECT_EQ(found[0], found[3]) << "one image is computed once";
}

TEST_P(ClipEngineTest, AnAdapterIsRefusedByMessage) {
  LoadOptions load = test::in_f32();
  load.adapter = "somewhere";
  EXPECT_THAT([&] { ClipEngine(folder_, load); },
              ThrowsMessage<InvalidInput>(
                  fmt::format("[adapter] somewhere is for a language model, but {} holds a CLIP", folder_.string())));
}

TEST_P(ClipEngineTest, PreparersShareTheTokenizer) {
  ClipEngine engine(folder_, test::in_f32());
  const auto upright = engine.preparer({}), stored = engine.preparer({.apply_exif = false});
  EXPECT_EQ(&upright->tokenizer(), &stored->tokenizer());
  EXPECT_NE(upright->preprocessing(), stored->preprocessing());
}

INSTANTIATE_TEST_SUITE_P(Sizes, ClipEngineTest, testing::Values("tiny-clip", "tiny-clip-336"),
                         [](const auto& model) { return model.index == 0 ? "Patch16At224" : "Patch14At336"; });

TEST(ClipEngineFolder, ContradictionsAreRefusedByMessage) {
  const e5v::test::TemporaryFolder folder;
  const auto path = folder.path() / "clip";
  std::filesystem::copy(golden("ckpt/tiny-clip-336"), path);
  const auto refusal_is = [&](const char* part, const char* key, std::int64_t value, const std::string& message) {
    Json json = read_json(golden("ckpt/tiny-clip-336/config.json"));
    (*part == '\0' ? json : json.at(part))[key] = value;
    std::filesystem::remove(path / "config.json");
    std::ofstream(path / "config.json") << json;
    EXPECT_THAT([&] { ClipEngine(path, test::in_f32()); }, ThrowsMessage<ModelError>(HasSubstr(message)));
  };
  refusal_is("text_config", "eos_token_id", 5,
             "tokenizer.json] texts do not end with the eos_token_id of config.json, 5");
  refusal_is("text_config", "eos_token_id", 100000,
             "\"text_config.eos_token_id\": expected a token of the vocabulary of 719, found 100000");
  refusal_is("", "projection_dim", 25, "expected shape [25, 32] from config.json, found [24, 32]");
}

}  // namespace
}  // namespace e5v::families

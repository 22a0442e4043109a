#include "families/clip/inspection.h"

#include <gmock/gmock.h>

#include "embed/loading.h"
#include "families/clip/memory.h"
#include "golden.h"
#include "model/checkpoint.h"
#include "temporary_folder.h"

namespace e5v::families {
namespace {

using e5v::test::golden;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;

const std::filesystem::path kClipFolder = golden("ckpt/tiny-clip");

TEST(ClipInspection, AnswersTheDoctorInAFewWords) {
  const ClipInspection inspection(kClipFolder, {});
  EXPECT_TRUE(inspection.sees());
  EXPECT_EQ(inspection.config(), "CLIP: text tower of 3 layers, width 64; vision tower of 3 layers, width 48");
  EXPECT_EQ(inspection.tensors(model::Checkpoint(kClipFolder, model::clip_names())),
            "3 text and 3 vision layers, complete");
  EXPECT_EQ(inspection.tokenizer(), "719 tokens, no prompts");
  EXPECT_EQ(inspection.preprocess(), "shorter edge 224, the middle 224 of it");
}

TEST(ClipInspection, DescribesItsParts) {
  const model::Checkpoint checkpoint(kClipFolder, model::clip_names());
  const embed::StoredWeights stored = embed::stored_weights(checkpoint);
  const Description found = ClipInspection(kClipFolder, {}).describe(checkpoint, {nn::Precision::bf16, stored, {}});
  EXPECT_EQ(found.architecture, "CLIP");
  EXPECT_THAT(found.towers,
              ElementsAre(Pair("text tower", "3 layers, width 64, 4 heads, MLP 96"),
                          Pair("vision tower", "3 layers, width 48, 3 heads, MLP 96, images of 224, patches of 16")));
  EXPECT_EQ(found.parts.at("text_tower").at("vocabulary"), 719);
  EXPECT_EQ(found.parts.at("vision_tower").at("image_size"), 224);
  EXPECT_EQ(found.width, 40);
  EXPECT_EQ(found.context, 77);
  EXPECT_EQ(found.image_tokens, 0) << "images have one size";
  EXPECT_EQ(found.chat_style, text::ChatStyle::plain);
  EXPECT_EQ(found.used.total(), count_parameters(model::read_clip_config(kClipFolder)).total());
  EXPECT_TRUE(found.unused.empty());
  EXPECT_FALSE(found.kernel.empty());
  EXPECT_EQ(found.fingerprint.compute, embed::compute_text(nn::Precision::bf16, {}, tensor::Place::host));
}

TEST(ClipInspection, SaysWhetherTheProportionsAreKept) {
  const e5v::test::TemporaryFolder folder;
  for (const char* name : {"config.json", "tokenizer.json"}) std::filesystem::copy(kClipFolder / name, folder.path());
  Json json = read_json(kClipFolder / "preprocessor_config.json");
  json["size"] = {{"height", 224}, {"width", 224}};
  folder.write("preprocessor_config.json", json.dump());
  EXPECT_EQ(ClipInspection(folder.path(), {}).preprocess(), "both edges 224, the middle 224 of it");
}

TEST(ClipInspection, ShapesMustBeThoseOfTheConfig) {
  const model::Checkpoint checkpoint(kClipFolder, model::clip_names());
  const auto refusal_is = [&](const char* part, const char* key, std::int64_t value, const std::string& message) {
    const e5v::test::TemporaryFolder folder;
    Json json = read_json(kClipFolder / "config.json");
    (*part == '\0' ? json : json.at(part))[key] = value;
    folder.write("config.json", json.dump());
    EXPECT_THAT([&] { ClipInspection(folder.path(), {}).tensors(checkpoint); },
                ThrowsMessage<ModelError>(HasSubstr(message)));
  };
  refusal_is("", "projection_dim", 41, "expected shape [41, 64] from config.json, found [40, 64]");
  refusal_is("text_config", "intermediate_size", 97, "expected shape [97, 64] from config.json, found [96, 64]");
  refusal_is("vision_config", "intermediate_size", 97, "expected shape [97, 48] from config.json, found [96, 48]");
  refusal_is("vision_config", "num_hidden_layers", 4, "layers.3.");
}

}  // namespace
}  // namespace e5v::families

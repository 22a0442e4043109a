#include "families/clip/prepare.h"

#include <gmock/gmock.h>

#include <functional>

#include "image/image_files.h"
#include "temporary_folder.h"

namespace e5v::families {
namespace {

using e5v::test::golden;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::int32_t> ids_of(const embed::PreparedInput& input) {
  std::vector<std::int32_t> ids;
  for (const embed::Symbol& symbol : input.symbols) ids.push_back(symbol.value);
  return ids;
}

/// The two tiny checkpoints; the ids and the cut images are transformers'.
class ClipPrepare : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path folder_ = golden("ckpt") / GetParam();
  model::ClipModelConfig config_ = model::read_clip_config(folder_);
  std::unique_ptr<ClipPreparer> preparer_ = make_clip_preparer(folder_, config_, {.apply_exif = false});
  Json facts_ = read_json(golden("clip/clip.json"));
  Json model_ = facts_.at("models").at(GetParam());
};

TEST_P(ClipPrepare, TextsAreTransformersTokensUpToTheFirstEnd) {
  const Json& texts = facts_.at("texts");
  int cut = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto expected = model_.at("ids")[i].get<std::vector<std::int32_t>>();
    const auto end = std::ranges::find(expected, 718);  // <|endoftext|>
    cut += end != expected.end() && end + 1 != expected.end();
    if (end != expected.end()) expected.erase(end + 1, expected.end());
    EXPECT_EQ(ids_of(preparer_->prepare(Input::from_text(texts[i].get<std::string>()))), expected) << texts[i];
  }
  EXPECT_GT(cut, 0) << "one of the texts holds an end of its own";
}

TEST_P(ClipPrepare, ImagesAreTransformersMiddles) {
  for (const Json& crop : model_.at("crops")) {
    const Input image = Input::from_image(golden("images") / crop.at("image").get<std::string>());
    const embed::PreparedInput prepared = preparer_->prepare(image);
    ASSERT_EQ(prepared.images.size(), 1u);
    EXPECT_EQ(e5v::test::crc_of(prepared.images[0].prepared->patches.pixels), crop.at("crc32").get<std::uint32_t>())
        << crop.at("image");
    EXPECT_EQ(prepared.tokens(), config_.vision.positions());
  }
}

TEST_P(ClipPrepare, AnImagesRowsAreTheClassTokenAndThePatches) {
  const embed::PreparedInput prepared = preparer_->prepare(Input::from_image(Pixels{2, 1, {1, 2, 3, 4, 5, 6}}));
  std::vector<std::int64_t> rows;
  prepared.images[0].prepared->layout.walk([&](std::int64_t, std::int64_t index) { rows.push_back(index); },
                                           [&](std::int64_t, std::int32_t which) { rows.push_back(-1 - which); });
  ASSERT_EQ(static_cast<std::int64_t>(rows.size()), config_.vision.positions());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], static_cast<std::int64_t>(i) - 1);
}

TEST_P(ClipPrepare, OneImageAndPlainPromptsAreTheModels) {
  EXPECT_EQ(preparer_->style(), text::ChatStyle::plain);
  EXPECT_TRUE(preparer_->limits().one_image);
  EXPECT_EQ(preparer_->limits().context, 77);
  EXPECT_EQ(preparer_->limits().vocabulary, 719);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ClipPrepare, testing::Values("tiny-clip", "tiny-clip-336"),
                         [](const auto& model) { return model.index == 0 ? "Patch16At224" : "Patch14At336"; });

/// A copy of a folder without its weights.
class ChangedClipFolder : public testing::Test {
 protected:
  ChangedClipFolder() {
    for (const char* name : {"config.json", "tokenizer.json", "preprocessor_config.json"})
      std::filesystem::copy(golden("ckpt/tiny-clip-336") / name, path());
    config_ = model::read_clip_config(path());
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  void change_preprocessor(const std::function<void(Json&)>& change) const {
    Json json = read_json(golden("ckpt/tiny-clip-336/preprocessor_config.json"));
    change(json);
    folder_.write("preprocessor_config.json", json.dump());
  }
  std::string hash(const PrepareOptions& options) const {
    return make_clip_preparer(path(), config_, options)->preprocessing();
  }

  e5v::test::TemporaryFolder folder_;
  model::ClipModelConfig config_;
};

TEST_F(ChangedClipFolder, TheFileSaysHowImagesAreCutAndMustFitTheTower) {
  EXPECT_EQ(read_clip_preprocess(path(), config_).tile, 336);
  EXPECT_EQ(read_clip_preprocess(path(), config_).patch, 14);
  change_preprocessor([](Json& json) { json["size"] = {{"shortest_edge", 400}}; });
  EXPECT_EQ(read_clip_preprocess(path(), config_).shortest_edge, 400);
  change_preprocessor([](Json& json) { json["crop_size"] = 224; });
  EXPECT_THAT(
      [&] { read_clip_preprocess(path(), config_); },
      ThrowsMessage<ModelError>(HasSubstr("preprocessor_config.json] \"crop_size\": expected the vision tower's "
                                          "336, found 224")));
  folder_.write("preprocessor_config.json", "[]");
  EXPECT_THAT([&] { read_clip_preprocess(path(), config_); },
              ThrowsMessage<ModelError>(HasSubstr("preprocessor_config.json] expected an object, found array")));
}

TEST_F(ChangedClipFolder, WithoutItsFileImagesAreCutAtTheTowersSize) {
  std::filesystem::remove(path() / "preprocessor_config.json");
  const image::Preprocess preprocess = read_clip_preprocess(path(), config_);
  EXPECT_EQ(preprocess.tile, 336);
  EXPECT_EQ(preprocess.shortest_edge, 336);
  EXPECT_EQ(preprocess.patch, 14);
  EXPECT_TRUE(preprocess.grid_pinpoints.empty());
}

TEST_F(ChangedClipFolder, TheTokenizerMustFitTheConfig) {
  EXPECT_EQ(read_clip_tokenizer(path(), config_.text).size(), 719);
  const auto refusal_is = [&](const model::ClipTextConfig& config, const std::string& part) {
    EXPECT_THAT([&] { read_clip_tokenizer(path(), config); }, ThrowsMessage<ModelError>(HasSubstr(part)));
  };
  model::ClipTextConfig config = config_.text;
  config.vocabulary = 700;
  refusal_is(config, "tokenizer.json] 719 tokens, more than the vocabulary of 700");
  config = config_.text;
  config.max_positions = 2;
  refusal_is(config, "tokenizer.json] 2 special tokens around a text, the context holds 2");
  config = config_.text;
  config.end_token = 5;
  refusal_is(config, "tokenizer.json] texts do not end with the eos_token_id of config.json, 5");
}

TEST_F(ChangedClipFolder, WithoutAnEndTokenTheHighestIdEndsAText) {
  config_.text.end_token = std::nullopt;
  const auto preparer = make_clip_preparer(path(), config_, {});
  EXPECT_EQ(ids_of(preparer->prepare(Input::from_text("a<|endoftext|>b"))), (std::vector<std::int32_t>{717, 320, 718}));
}

TEST_F(ChangedClipFolder, WhatPreparesOtherwiseIsInTheHash) {
  std::vector<std::string> hashes{hash({})};
  EXPECT_EQ(hash({}), hashes.front());
  EXPECT_EQ(hash({.truncate = true}), hashes.front()) << "texts are always cut";
  EXPECT_EQ(hash({.max_tiles = 1}), hashes.front()) << "there are no tiles";
  const auto add = [&](const std::string& hash) {
    EXPECT_THAT(hashes, testing::Not(testing::Contains(hash)));
    hashes.push_back(hash);
  };
  add(hash({.apply_exif = false}));
  add(hash({.alpha = Alpha::drop}));
  change_preprocessor([](Json& json) { json["image_mean"][0] = 0.5; });
  add(hash({}));
  change_preprocessor([](Json& json) { json["resample"] = 2; });
  add(hash({}));
  const std::string tokenizer = read_file(path() / "tokenizer.json");
  folder_.write("tokenizer.json", tokenizer + " ");
  add(hash({}));
}

TEST_F(ChangedClipFolder, WhatTheNumbersDependOnIsInTheText) {
  const auto changed = [&](const std::function<void(model::ClipModelConfig&)>& change) {
    model::ClipModelConfig other = config_;
    change(other);
    return config_text(other);
  };
  const std::string text = config_text(config_);
  EXPECT_NE(changed([](auto& c) { c.text.heads = 4; }), text);
  EXPECT_NE(changed([](auto& c) { c.text.norm_eps *= 2; }), text);
  EXPECT_NE(changed([](auto& c) { c.text.end_token = 5; }), text);
  EXPECT_NE(changed([](auto& c) { c.text.activation = model::Activation::quick_gelu; }), text);
  EXPECT_NE(changed([](auto& c) { c.vision.heads = 1; }), text);
  EXPECT_NE(changed([](auto& c) { c.vision.norm_eps *= 2; }), text);
  EXPECT_NE(changed([](auto& c) { c.vision.activation = model::Activation::gelu_tanh; }), text);
}

TEST_F(ChangedClipFolder, ASiblingsTokenizerIsShared) {
  const auto first = make_clip_preparer(path(), config_, {});
  const auto second = make_clip_preparer(path(), config_, {.apply_exif = false}, first.get());
  EXPECT_EQ(&second->tokenizer(), &first->tokenizer());
}

}  // namespace
}  // namespace e5v::families

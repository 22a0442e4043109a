#include "families/llava_next/prepare.h"

#include <gmock/gmock.h>

#include "golden.h"
#include "temporary_folder.h"

namespace e5v::families {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// The tiny checkpoint without its weights.
class Folder {
 public:
  Folder() {
    for (const char* name : {"config.json", "tokenizer.json", "preprocessor_config.json"})
      std::filesystem::copy(e5v::test::golden("ckpt/tiny-small-f32") / name, folder_.path());
    config = model::read_config(folder_.path());
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  std::string hash(const PrepareOptions& options) const {
    return make_llava_next_preparer(path(), config, options).preprocessing();
  }

  model::ModelConfig config;

 private:
  e5v::test::TemporaryFolder folder_;
};

TEST(LlavaNextPrepare, TheWeightsAreNotLookedAt) {
  const Folder folder;
  embed::Preparer preparer = make_llava_next_preparer(folder.path(), folder.config, {});
  EXPECT_EQ(preparer.style(), text::ChatStyle::llama3);
  EXPECT_EQ(preparer.limits().context, folder.config.text.max_positions);
  EXPECT_EQ(preparer.prepare(Input::from_text("a cat")).images.size(), 0);
}

TEST(LlavaNextPrepare, EveryOptionThatPreparesOtherwiseIsInTheHash) {
  const Folder folder;
  PrepareOptions paper, photos, tiles, alpha, cut;
  paper.paper_compat = true;
  photos.apply_exif = false;
  tiles.max_tiles = 1;
  alpha.alpha = Alpha::drop;
  cut.truncate = true;
  std::vector<std::string> hashes{folder.hash({})};
  EXPECT_EQ(folder.hash({}), hashes.front());
  for (const PrepareOptions& options : {paper, photos, tiles, alpha, cut}) {
    const std::string hash = folder.hash(options);
    EXPECT_THAT(hashes, testing::Not(testing::Contains(hash)));
    hashes.push_back(hash);
  }
}

TEST(LlavaNextPrepare, GridsMustBeThoseOfTheConfig) {
  Folder folder;
  folder.config.grid_pinpoints.pop_back();
  EXPECT_THAT([&] { read_llava_next_preprocess(folder.path(), folder.config, {}); },
              ThrowsMessage<ModelError>(HasSubstr("image_grid_pinpoints are 336x672 ")));
  std::filesystem::remove(folder.path() / "preprocessor_config.json");
  EXPECT_EQ(read_llava_next_preprocess(folder.path(), folder.config, {}).grid_pinpoints, folder.config.grid_pinpoints);
}

TEST(LlavaNextPrepare, WhatTheNumbersDependOnIsInTheText) {
  const Folder folder;
  model::ModelConfig other = folder.config;
  other.text.rope_theta *= 2;
  EXPECT_NE(config_text(other), config_text(folder.config));
  other = folder.config;
  other.feature_layer = -1;
  EXPECT_NE(config_text(other), config_text(folder.config));
}

}  // namespace
}  // namespace e5v::families

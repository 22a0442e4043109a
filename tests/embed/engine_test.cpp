#include "embed/engine.h"

#include <gmock/gmock.h>

#include "embed/loading.h"
#include "families/table.h"
#include "golden.h"

namespace e5v::embed {
namespace {

class EngineTest : public testing::Test {
 protected:
  static LoadOptions in_f32() {
    LoadOptions load;
    load.dtype = ComputeType::f32;
    return load;
  }
  std::unique_ptr<Engine> engine_ = families::open(e5v::test::golden("ckpt/tiny-small-f32"), in_f32());
};

TEST_F(EngineTest, FingerprintsAreTheModelsThePreparersAndTheRuns) {
  const Fingerprint fingerprint = *engine_->fingerprint("text", {}, {});
  EXPECT_EQ(fingerprint.prompt, *engine_->preparer()->prompt_hash("text"));
  EXPECT_EQ(fingerprint.weights, engine_->weights());
  EXPECT_EQ(fingerprint.preprocessing, engine_->preparer()->preprocessing());
  EXPECT_EQ(fingerprint.compute, compute_text(nn::Precision::f32, {}, tensor::Place::host));
  const RunOptions raw{.normalize = false};
  EXPECT_EQ(engine_->fingerprint("text", raw, {})->compute, compute_text(nn::Precision::f32, raw, tensor::Place::host));
  EXPECT_NE(engine_->fingerprint("text", {}, {.paper_compat = true})->preprocessing, fingerprint.preprocessing);
}

TEST_F(EngineTest, APreparerIsMadeOnceForEachOptions) {
  const auto first = engine_->preparer(), paper = engine_->preparer({.paper_compat = true});
  EXPECT_EQ(engine_->preparer(), first);
  EXPECT_EQ(engine_->preparer({.paper_compat = true}), paper);
  EXPECT_NE(paper, first);
  EXPECT_EQ(&paper->tokenizer(), &first->tokenizer());
  for (int tiles = 1; tiles <= 20; ++tiles) engine_->preparer({.max_tiles = tiles});  // a few are kept
  EXPECT_EQ(first->preprocess().max_tiles, 0);
}

TEST_F(EngineTest, InputsKnowWhatBecomesOfTheirVectors) {
  const PreparedInput input = engine_->prepare(Input::from_text("a cat"), {.normalize = false, .dimensions = 8}, {});
  EXPECT_FALSE(input.normalize);
  EXPECT_EQ(input.dimensions, 8);
  EXPECT_EQ(input.fingerprint, engine_->fingerprint("text", {.normalize = false, .dimensions = 8}, {}));
}

// Batches may hold inputs of any options.
TEST_F(EngineTest, OneImageUnderOtherOptionsIsAnotherImage) {
  const Input image = Input::from_image(e5v::test::golden("images/img18_dark_90x60.png"));
  const auto key = [&](const PrepareOptions& options) { return engine_->prepare(image, {}, options).images[0].key; };
  EXPECT_EQ(key({}), key({}));
  EXPECT_NE(key({}), key({.max_tiles = 1}));
  EXPECT_NE(key({}), key({.paper_compat = true}));
}

}  // namespace
}  // namespace e5v::embed

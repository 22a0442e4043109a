#include "embed/engine.h"

#include <gmock/gmock.h>

#include "embed/loading.h"
#include "families/table.h"
#include "golden.h"

namespace e5v::embed {
namespace {

TEST(Engine, FingerprintsAreTheModelsThePreparersAndTheRuns) {
  LoadOptions load;
  load.dtype = ComputeType::f32;
  PrepareOptions prepare;
  const auto open = [&] { return families::open(test::golden("ckpt/tiny-small-f32"), load, prepare); };
  const auto engine = open();
  const Fingerprint fingerprint = engine->fingerprint("of the prompt", false);
  EXPECT_EQ(fingerprint.prompt, "of the prompt");
  EXPECT_EQ(fingerprint.weights, engine->weights());
  EXPECT_EQ(fingerprint.preprocessing, engine->preparer().preprocessing());
  EXPECT_EQ(fingerprint.compute, compute_text(nn::Precision::f32, false, tensor::Place::host));
  EXPECT_EQ(engine->fingerprint("", true).compute, compute_text(nn::Precision::f32, true, tensor::Place::host));
  prepare.paper_compat = true;
  const auto other = open();
  EXPECT_EQ(other->weights(), engine->weights());
  EXPECT_NE(other->preparer().preprocessing(), engine->preparer().preprocessing());
}

}  // namespace
}  // namespace e5v::embed

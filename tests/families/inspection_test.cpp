#include "families/inspection.h"

#include <gmock/gmock.h>

#include "embed/loading.h"
#include "families/table.h"
#include "golden.h"

namespace e5v::families {
namespace {

TEST(Inspection, UnusedTensorsAreNamedWhereThereAreSome) {
  EXPECT_EQ(unused_text({}), "");
  EXPECT_EQ(unused_text({"a", "b"}), "; not used: \"a\", \"b\"");
}

TEST(Inspection, SaysOfAFolderWhatTheModelWillBe) {
  for (const char* name : {"ckpt/tiny-small-f32", "ckpt/tiny-clip"}) {
    const Family& family = family_of(e5v::test::golden(name));
    const auto inspection = family.inspect(e5v::test::golden(name), {}, {});
    const model::Checkpoint checkpoint(e5v::test::golden(name), family.tensor_names());
    const embed::StoredWeights stored = embed::stored_weights(checkpoint);
    RunPlan plan{embed::choose_precision(ComputeType::automatic, stored), stored, {}};
    const Description description = inspection->describe(checkpoint, plan);
    const auto engine = family.open(e5v::test::golden(name), {});
    EXPECT_EQ(description.width, engine->width()) << name;
    EXPECT_EQ(description.fingerprint, *engine->fingerprint("text", {}, {})) << name;
    EXPECT_EQ(description.chat_style == text::ChatStyle::plain, family.has_plain_prompts()) << name;
    EXPECT_EQ(family.read_tokenizer(e5v::test::golden(name)).style, description.chat_style) << name;
    plan.run.normalize = false;
    EXPECT_NE(inspection->describe(checkpoint, plan).fingerprint, description.fingerprint) << name;
  }
}

}  // namespace
}  // namespace e5v::families

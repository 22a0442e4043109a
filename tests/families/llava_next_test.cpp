#include "families/llava_next.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "golden.h"

namespace e5v::families {
namespace {

TEST(LlavaNextFamily, TheOnlyOneOfSomeOperations) {
  EXPECT_EQ(require_llava_next(e5v::test::golden("ckpt/tiny-small-f32"), "train").text.width, 128);
  EXPECT_THAT([] { require_llava_next(e5v::test::golden("ckpt/tiny-clip"), "train"); },
              testing::ThrowsMessage<ModelError>(testing::AllOf(
                  testing::StartsWith("[train] "),
                  testing::HasSubstr("is a CLIP, expected a LLaVA-NeXT or one of its language models"))));
}

}  // namespace
}  // namespace e5v::families

#include "flags.h"

#include <gmock/gmock.h>

namespace e5v::app {
namespace {

TEST(Flags, FieldsBecomeFlags) {
  EXPECT_EQ(with_flags("[x.npy] exists already: option force replaces it"),
            "[x.npy] exists already: --force replaces it");
  EXPECT_EQ(with_flags("option held_out 1, option beta2 2"), "--held-out 1, --beta2 2");
}

TEST(Flags, SomeFlagsAreOtherWords) {
  EXPECT_EQ(with_flags("[lora] option lora_rank is 0"), "[lora] --rank is 0");
  EXPECT_EQ(with_flags("option learning_rate was 1"), "--lr was 1");
  EXPECT_EQ(with_flags("option parts lora"), "--train lora");
}

TEST(Flags, OtherWordsStay) {
  for (const char* message : {"", "option", "option ", "no option takes it", "an option forced", "adoption force",
                              "options force", "option Force", "option_force"})
    EXPECT_EQ(with_flags(message), message);
}

}  // namespace
}  // namespace e5v::app

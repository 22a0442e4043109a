#include "ops/isa.h"

#include <gmock/gmock.h>

namespace e5v::ops {
namespace {

TEST(Isa, NamesAndWidthsAgree) {
  EXPECT_THAT(vector_bits(), testing::AnyOf(32, 128, 256, 512));
  EXPECT_EQ(has_native_bf16(),
            instruction_set().find("bf16") != std::string::npos || instruction_set().find("amx") != std::string::npos);
}

}  // namespace
}  // namespace e5v::ops

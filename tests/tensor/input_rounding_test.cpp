#include "tensor/input_rounding.h"

#include <gtest/gtest.h>

namespace e5v::tensor {
namespace {

using Scale = InputRounding::Scale;

TEST(InputRounding, MayBeLeftOutWhereEightBitsAreKeptAndNoScaleIsGiven) {
  EXPECT_TRUE(InputRounding{}.optional());
  EXPECT_TRUE((InputRounding{.scale = Scale::row}).optional());
  EXPECT_TRUE((InputRounding{.scale = Scale::group, .group = 128}).optional());
  EXPECT_FALSE((InputRounding{.scale = Scale::row, .bits = 4}).optional());
  EXPECT_FALSE((InputRounding{.scale = Scale::given}).optional());
  EXPECT_TRUE((InputRounding{.scale = Scale::none, .bits = 4}).optional()) << "there is none";
}

TEST(InputRounding, EqualsWhatRoundsAlike) {
  const InputRounding rounding{.scale = Scale::row};
  EXPECT_EQ(rounding, (InputRounding{.scale = Scale::row}));
  EXPECT_NE(rounding, (InputRounding{.scale = Scale::row, .floating = true}));
  EXPECT_NE(rounding, (InputRounding{.scale = Scale::row, .symmetric = false}));
}

}  // namespace
}  // namespace e5v::tensor

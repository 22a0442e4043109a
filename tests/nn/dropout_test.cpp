#include "nn/dropout.h"

#include <gmock/gmock.h>

namespace e5v::nn {
namespace {

TEST(Dropout, NamesItsNumbersBySeedStepAndPlace) {
  const ops::DropoutKey key = Dropout{0.1f, 42, 7}.key(3);
  EXPECT_EQ(key.seed, 42u);
  EXPECT_EQ(key.step, 7u);
  EXPECT_EQ(key.place, 3u);
}

}  // namespace
}  // namespace e5v::nn

#include "inspect/self_test.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace e5v::inspect {
namespace {

TEST(SelfTest, PassesHere) {
  int checks = 0;
  self_test([&](const Check& check) {
    EXPECT_TRUE(check.ok) << check.name << ": " << check.detail;
    ++checks;
  });
  EXPECT_GE(checks, 5);
}

TEST(SelfTest, ComparesKernelsAndAModelOfThem) {
  std::vector<std::string> names;
  self_test([&](const Check& check) {
    names.push_back(check.name);
    EXPECT_FALSE(check.detail.empty()) << check.name;
  });
  for (const char* name : {"matmul f32", "matmul int8", "rms norm", "attention", "small model f32", "small model bf16"})
    EXPECT_TRUE(std::ranges::count(names, name) == 1) << name;
}

}  // namespace
}  // namespace e5v::inspect

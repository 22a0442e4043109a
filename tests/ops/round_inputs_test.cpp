#include "ops/round_inputs.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tensor/tensor.h"

namespace e5v::ops {
namespace {

using tensor::DType;
using tensor::InputRounding;
using tensor::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Scale = InputRounding::Scale;

std::vector<float> rounded(const std::vector<float>& x, std::int64_t columns, const InputRounding& rounding) {
  const auto rows = static_cast<std::int64_t>(x.size()) / columns;
  const Tensor from = Tensor::from<float>(x, {rows, columns}), to(DType::f32, {rows, columns});
  round_inputs(matrix_of(from), rounding, matrix_of(to));
  return {to.as<float>().begin(), to.as<float>().end()};
}

/// -1 to 2 in 255 steps of 2 / 127.5; halves go to the even number of steps.
TEST(RoundInputs, SymmetricRowsHaveTheStepOfTheirLargest) {
  const float step = 2 / 127.5f;
  const std::vector<float> y = rounded({2, -1, 0.5f * step, 1.5f * step, 0, 0, 0, 0}, 4, {.scale = Scale::row});
  EXPECT_THAT(y, testing::Pointwise(testing::FloatNear(1e-6f),
                                    std::vector{127 * step, -64 * step, 0.0f, 2 * step, 0.0f, 0.0f, 0.0f, 0.0f}));
}

TEST(RoundInputs, RowsWithAZeroPointUseTheWholeRange) {
  const std::vector<float> y = rounded({0, 1, 2, 2.55f}, 4, {.scale = Scale::row, .symmetric = false});
  EXPECT_THAT(y, testing::Pointwise(testing::FloatNear(1e-6f), std::vector{0.0f, 1.0f, 2.0f, 2.55f}));
}

TEST(RoundInputs, GroupsHaveStepsOfTheirOwn) {
  const std::vector<float> y = rounded({100, 33, 1, 0.25f}, 4, {.scale = Scale::group, .group = 2, .bits = 4});
  EXPECT_THAT(y, testing::Pointwise(testing::FloatNear(1e-4f), std::vector{93.3333f, 26.6667f, 0.933333f, 0.266667f}));
}

TEST(RoundInputs, AGivenScaleClampsWhatIsBeyondIt) {
  InputRounding rounding{.scale = Scale::given, .given_scale = 0.5f};
  EXPECT_THAT(rounded({1000, -1000, 0.6f, 0.25f}, 4, rounding), ElementsAre(63.5f, -64, 0.5f, 0));
  rounding.symmetric = false;
  rounding.given_zero = -128;
  EXPECT_THAT(rounded({1000, -1000, 0.6f, 100.2f}, 4, rounding), ElementsAre(127.5f, 0, 0.5f, 100));
}

TEST(RoundInputs, FloatsKeepThreeBitsBehindTheFirst) {
  const InputRounding rounding{.scale = Scale::given, .floating = true};
  EXPECT_THAT(rounded({17, 1000, -0.3f, 1e-9f}, 4, rounding), ElementsAre(16, 448, -0.3125f, 0));
  const std::vector<float> y = rounded({896, 17, 0, 0}, 4, {.scale = Scale::row, .floating = true});
  EXPECT_THAT(y, ElementsAre(896, 17 - 1, 0, 0));
}

TEST(RoundInputs, NaNStays) {
  for (const Scale scale : {Scale::row, Scale::given}) {
    for (const bool floating : {false, true}) {
      EXPECT_TRUE(std::isnan(rounded({NAN, 0}, 2, {.scale = scale, .floating = floating})[0]));
      EXPECT_TRUE(std::isnan(rounded({NAN, 1}, 2, {.scale = scale, .floating = floating})[0]));
    }
  }
}

TEST(RoundInputs, Bf16IsRoundedInItsOwnType) {
  const Tensor from(DType::bf16, {1, 2}), to(DType::bf16, {1, 2});
  from.as<tensor::BFloat16>()[0] = tensor::BFloat16(1.0f);
  from.as<tensor::BFloat16>()[1] = tensor::BFloat16(-0.3f);
  round_inputs(matrix_of(from), {.scale = Scale::given, .given_scale = 0.25f}, matrix_of(to));
  EXPECT_EQ(static_cast<float>(to.as<tensor::BFloat16>()[0]), 1.0f);
  EXPECT_EQ(static_cast<float>(to.as<tensor::BFloat16>()[1]), -0.25f);
}

TEST(RoundInputs, GroupsMustDivideTheColumns) {
  EXPECT_THAT(
      [] {
        rounded({1, 2, 3, 4}, 4, {.scale = Scale::group, .group = 3});
      },
      ThrowsMessage<InvalidInput>(HasSubstr("groups of 3 columns, expected a divisor of 4")));
}

}  // namespace
}  // namespace e5v::ops

#include "ops/activation.h"

#include <gmock/gmock.h>

#include "ops/random.h"

namespace e5v::ops::test {
namespace {

using Op = void (*)(tensor::ConstMatrix, tensor::Matrix);
using Twin = double (*)(double);

void expect_equal(Op op, Twin twin) {
  for (const std::int64_t width : {1, 7, 16, 37, 4096}) {
    RandomMatrix x(4, width, 1, 6);
    x.exact.values[0] = x.tensor.as<float>()[0] = 200;  // beyond exp's range
    x.exact.values[1] = x.tensor.as<float>()[1] = -200;
    reference::Matrix expected(4, width);
    std::transform(x.exact.values.begin(), x.exact.values.end(), expected.values.begin(), twin);
    const tensor::Tensor f32(tensor::DType::f32, {4, width}), bf16(tensor::DType::bf16, {4, width});
    op(x.matrix(), matrix_of(f32));
    op(x.matrix(), matrix_of(bf16));
    EXPECT_LT(max_difference(matrix_of(f32), expected), 4e-6) << width;
    EXPECT_LT(max_difference(matrix_of(bf16), expected), 0.51) << width;  // bf16 at 200
  }
}

TEST(Activation, QuickGelu) { expect_equal(quick_gelu, reference::quick_gelu); }
TEST(Activation, Gelu) { expect_equal(gelu, reference::gelu); }
TEST(Activation, GeluTanh) { expect_equal(gelu_tanh, reference::gelu_tanh); }

TEST(Activation, SwigluEqualsItsTwin) {
  for (const std::int64_t width : {1, 7, 352, 1000}) {
    const RandomMatrix x(3, 2 * width, 7, 3);
    reference::Matrix expected(3, width);
    for (std::int64_t r = 0; r < 3; ++r) {
      for (std::int64_t c = 0; c < width; ++c)
        expected.at(r, c) = reference::silu(x.exact.at(r, c)) * x.exact.at(r, width + c);
    }
    const tensor::Tensor y(tensor::DType::f32, {3, width}), bf16(tensor::DType::bf16, {3, width});
    swiglu(x.matrix(), matrix_of(y));
    swiglu(x.matrix(), matrix_of(bf16));
    EXPECT_LT(max_difference(matrix_of(y), expected), 2e-5) << width;
    EXPECT_LT(max_difference(matrix_of(bf16), expected), 0.3) << width;
  }
}

TEST(Activation, ArgumentsAreChecked) {
  const RandomMatrix x(2, 9, 1);
  const tensor::Tensor y(tensor::DType::f32, {2, 4});
  EXPECT_THAT(message_of<InvalidInput>([&] { swiglu(x.matrix(), matrix_of(y)); }),
              testing::StrEq("[swiglu] gate_up is [2, 9], expected [2, 8]"));
  EXPECT_THAT(message_of<InvalidInput>([&] { gelu(x.matrix(), matrix_of(y)); }),
              testing::StrEq("[gelu] y is [2, 4], expected [2, 9]"));
}

TEST(ActivationBackward, EqualsFiniteDifferences) {
  const RandomMatrix x(6, 37, 1, 2), dy(6, 37, 2);
  const auto expect_slope = [&](auto backward, double (*function)(double)) {
    GradientSum dx(6, 37);
    backward(x.matrix(), dy.matrix(), dx.matrix());
    EXPECT_LT(dx.difference(numeric_gradient(x.exact, dy.exact,
                                             [&](reference::Matrix v) {
                                               for (double& value : v.values) value = function(value);
                                               return v;
                                             })),
              5e-6);
  };
  expect_slope(quick_gelu_backward, reference::quick_gelu);
  expect_slope(gelu_backward, reference::gelu);
  expect_slope(gelu_tanh_backward, reference::gelu_tanh);
}

TEST(ActivationBackward, SlopesFarOutAreZeroOrOne) {
  tensor::Tensor x = tensor::Tensor::from<float>(std::array{-200.0f, 200.0f}, {1, 2});
  tensor::Tensor dy = tensor::Tensor::from<float>(std::array{1.0f, 1.0f}, {1, 2});
  for (const auto backward : {quick_gelu_backward, gelu_backward, gelu_tanh_backward}) {
    GradientSum dx(1, 2);
    backward(matrix_of(x), matrix_of(dy), dx.matrix());
    EXPECT_NEAR(dx.tensor.as<float>()[0], 1, 1e-6);
    EXPECT_NEAR(dx.tensor.as<float>()[1], 2, 1e-6);
  }
}

TEST(SwigluBackward, EqualsFiniteDifferences) {
  for (const std::int64_t width : {1, 8, 19}) {
    const RandomMatrix gate_up(4, 2 * width, 1, 2), dy(4, width, 2);
    GradientSum gradient(4, 2 * width);
    swiglu_backward(gate_up.matrix(), dy.matrix(), gradient.matrix());
    const auto swiglu_twin = [&](const reference::Matrix& v) {
      reference::Matrix y(4, width);
      for (std::int64_t r = 0; r < 4; ++r) {
        for (std::int64_t c = 0; c < width; ++c) y.at(r, c) = reference::silu(v.at(r, c)) * v.at(r, width + c);
      }
      return y;
    };
    EXPECT_LT(gradient.difference(numeric_gradient(gate_up.exact, dy.exact, swiglu_twin)), 1e-5);
  }
}

}  // namespace
}  // namespace e5v::ops::test

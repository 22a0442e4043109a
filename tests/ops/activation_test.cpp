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

}  // namespace
}  // namespace e5v::ops::test

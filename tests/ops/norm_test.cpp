#include "ops/norm.h"

#include <gmock/gmock.h>

#include "ops/random.h"

namespace e5v::ops::test {
namespace {

// Widths below, at and beside a vector's width, and the model's own.
class Norm : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Widths, Norm, testing::Values(1, 3, 8, 15, 16, 31, 33, 128, 1000, 4096));

TEST_P(Norm, RmsNormEqualsItsTwin) {
  const RandomMatrix x(5, GetParam(), 1), gamma(1, GetParam(), 2);
  const auto expected = reference::rms_norm(x.exact, gamma.exact.values, 1e-5);
  const tensor::Tensor f32(tensor::DType::f32, {5, GetParam()}), bf16(tensor::DType::bf16, {5, GetParam()});
  rms_norm(x.matrix(), gamma.floats(), 1e-5f, matrix_of(f32));
  rms_norm(x.matrix(), gamma.floats(), 1e-5f, matrix_of(bf16));
  EXPECT_LT(max_difference(matrix_of(f32), expected), 1e-5);
  EXPECT_LT(max_difference(matrix_of(bf16), expected), 0.04);  // half a unit in the last of 8 bits, for values up to 10
}

TEST_P(Norm, LayerNormEqualsItsTwin) {
  const RandomMatrix x(5, GetParam(), 3), gamma(1, GetParam(), 4), beta(1, GetParam(), 5);
  const auto expected = reference::layer_norm(x.exact, gamma.exact.values, beta.exact.values, 1e-5);
  const tensor::Tensor f32(tensor::DType::f32, {5, GetParam()}), bf16(tensor::DType::bf16, {5, GetParam()});
  layer_norm(x.matrix(), gamma.floats(), beta.floats(), 1e-5f, matrix_of(f32));
  layer_norm(x.matrix(), gamma.floats(), beta.floats(), 1e-5f, matrix_of(bf16));
  EXPECT_LT(max_difference(matrix_of(f32), expected), 2e-5);
  EXPECT_LT(max_difference(matrix_of(bf16), expected), 0.06);
}

TEST_P(Norm, L2NormalizeGivesUnitRowsAndKeepsZero) {
  const RandomMatrix x(3, GetParam(), 6);
  const tensor::Matrix rows = x.matrix();
  std::fill_n(rows.row<float>(1), GetParam(), 0.0f);
  l2_normalize(rows, rows);
  for (const std::int64_t row : {0, 2}) {
    double square = 0;
    for (std::int64_t i = 0; i < GetParam(); ++i) square += rows.row<float>(row)[i] * rows.row<float>(row)[i];
    EXPECT_NEAR(square, 1, 1e-5);
  }
  EXPECT_EQ(rows.row<float>(1)[0], 0);
}

TEST(NormArguments, AreChecked) {
  const RandomMatrix x(2, 8, 1), gamma(1, 7, 2);
  EXPECT_THAT(message_of<InvalidInput>([&] { rms_norm(x.matrix(), gamma.floats(), 1e-5f, x.matrix()); }),
              testing::StrEq("[rms_norm] gamma has 7 elements, expected 8"));
  const tensor::Tensor wrong(tensor::DType::i32, {2, 8});
  EXPECT_THAT(message_of<InvalidInput>([&] { l2_normalize(x.matrix(), matrix_of(wrong)); }),
              testing::HasSubstr("y is i32, expected f32"));
}

TEST(RmsNormBackward, EqualsFiniteDifferences) {
  for (const std::int64_t width : {1, 7, 16, 40}) {
    const RandomMatrix x(5, width, 1), gamma(1, width, 2), dy(5, width, 3);
    GradientSum dx(5, width), dgamma(1, width);
    rms_norm_backward(x.matrix(), gamma.floats(), 1e-3f, dy.matrix(), dx.matrix(), dgamma.tensor.as<float>());
    EXPECT_LT(dx.difference(numeric_gradient(
                  x.exact, dy.exact, [&](const auto& v) { return reference::rms_norm(v, gamma.exact.values, 1e-3); })),
              2e-5);
    EXPECT_LT(dgamma.difference(numeric_gradient(
                  gamma.exact, dy.exact, [&](const auto& g) { return reference::rms_norm(x.exact, g.values, 1e-3); })),
              2e-5);
  }
}

TEST(LayerNormBackward, EqualsFiniteDifferences) {
  for (const std::int64_t width : {2, 7, 16, 40}) {
    const RandomMatrix x(5, width, 1), gamma(1, width, 2), beta(1, width, 3), dy(5, width, 4);
    GradientSum dx(5, width), dgamma(1, width), dbeta(1, width);
    layer_norm_backward(x.matrix(), gamma.floats(), 1e-3f, dy.matrix(), dx.matrix(), dgamma.tensor.as<float>(),
                        dbeta.tensor.as<float>());
    const auto norm = [&](const auto& v, const auto& g, const auto& b) {
      return reference::layer_norm(v, g.values, b.values, 1e-3);
    };
    EXPECT_LT(dx.difference(numeric_gradient(x.exact, dy.exact,
                                             [&](const auto& v) { return norm(v, gamma.exact, beta.exact); })),
              3e-5);
    EXPECT_LT(dgamma.difference(numeric_gradient(gamma.exact, dy.exact,
                                                 [&](const auto& g) { return norm(x.exact, g, beta.exact); })),
              2e-5);
    EXPECT_LT(dbeta.difference(numeric_gradient(beta.exact, dy.exact,
                                                [&](const auto& b) { return norm(x.exact, gamma.exact, b); })),
              2e-5);
  }
}

TEST(NormBackward, EmptyParameterGradientsAreLeftOut) {
  const RandomMatrix x(2, 8, 1), gamma(1, 8, 2), dy(2, 8, 3);
  GradientSum dx(2, 8);
  rms_norm_backward(x.matrix(), gamma.floats(), 1e-5f, dy.matrix(), dx.matrix(), {});
  layer_norm_backward(x.matrix(), gamma.floats(), 1e-5f, dy.matrix(), dx.matrix(), {}, {});
  GradientSum narrow(2, 7);
  EXPECT_THROW(rms_norm_backward(x.matrix(), gamma.floats(), 1e-5f, dy.matrix(), narrow.matrix(), {}), InvalidInput);
}

}  // namespace
}  // namespace e5v::ops::test

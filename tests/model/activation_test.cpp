#include "model/activation.h"

#include <gmock/gmock.h>

#include <cmath>

#include "ops/isa.h"
#include "ops/reference/ops.h"

namespace e5v::model::test {
namespace {

using tensor::DType;
using tensor::Tensor;

struct ActivationTwin {
  Activation activation;
  double (*twin)(double);
};
const std::vector<ActivationTwin> kActivationTwins{{Activation::quick_gelu, ops::reference::quick_gelu},
                                                   {Activation::gelu, ops::reference::gelu},
                                                   {Activation::gelu_tanh, ops::reference::gelu_tanh}};

/// Both signs, zero, and values where the functions saturate.
Tensor values_from_minus_to_plus() {
  Tensor x(DType::f32, {3, 41});
  for (std::size_t i = 0; i < x.as<float>().size(); ++i) x.as<float>()[i] = (static_cast<float>(i) - 61) / 6;
  return x;
}

TEST(ActivationOfAModel, IsTheFunctionOfItsName) {
  const Tensor x = values_from_minus_to_plus();
  tensor::Arena arena;
  for (const auto& [activation, twin] : kActivationTwins) {
    const Tensor y(DType::f32, x.shape());
    activate(nn::Pass(arena), activation, matrix_of(x), matrix_of(y));
    for (std::size_t i = 0; i < x.as<float>().size(); ++i) {
      EXPECT_NEAR(y.as<float>()[i], twin(x.as<float>()[i]), 2e-6) << static_cast<int>(activation) << " " << i;
    }
  }
}

/// The result has the type that the next product takes: bf16 for a Linear in bf16 if the CPU has instructions for it.
TEST(ActivationOfAModel, HasTheTypeOfItsReader) {
  const Tensor x = values_from_minus_to_plus(), weight(DType::bf16, {4, 41});
  std::ranges::fill(weight.as<tensor::BFloat16>(), tensor::BFloat16(1.0f));
  tensor::Arena arena;
  for (const nn::Precision precision : {nn::Precision::f32, nn::Precision::bf16}) {
    const nn::Linear reader({weight.view()}, precision);
    for (const auto& [activation, twin] : kActivationTwins) {
      const tensor::Matrix y = activate(nn::Pass(arena), activation, matrix_of(x), reader);
      ASSERT_EQ(y.dtype, reader.input_type());
      ASSERT_EQ(y.rows, 3);
      ASSERT_EQ(y.columns, 41);
      for (std::int64_t i = 0; i < 3 * 41; ++i) {
        const double expected = twin(x.as<float>()[static_cast<std::size_t>(i)]);
        if (y.dtype == DType::f32) {
          EXPECT_NEAR(y.row<float>(i / 41)[i % 41], expected, 2e-6);
        } else {
          EXPECT_NEAR(static_cast<float>(y.row<tensor::BFloat16>(i / 41)[i % 41]), expected,
                      std::abs(expected) / 256 + 2e-6);
        }
      }
    }
  }
}

}  // namespace
}  // namespace e5v::model::test

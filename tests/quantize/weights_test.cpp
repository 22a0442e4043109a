#include "quantize/weights.h"

#include <gmock/gmock.h>

#include "quantize/expanded.h"
#include "quantize/random_matrix.h"

namespace e5v::quantize::test {
namespace {

using tensor::DType;
using tensor::Tensor;

double square_error(const Tensor& a, const Tensor& b, std::span<const float> importance = {}) {
  double sum = 0;
  for (std::size_t i = 0; i < a.as<float>().size(); ++i) {
    const double difference = a.as<float>()[i] - b.as<float>()[i];
    sum += difference * difference * (importance.empty() ? 1.0f : importance[i % importance.size()]);
  }
  return sum;
}

TEST(QuantizeInt8, ErrsByHalfAStepAtMost) {
  for (const DType type : {DType::f32, DType::bf16}) {
    const Tensor w = random_matrix(7, 100, 1, 0.02f);
    const QuantizedWeight weight = quantize_int8(matrix_of(w), type);
    EXPECT_EQ(weight.scales.dtype(), type);
    const Tensor scales = to_f32(weight.scales.view()), found = expanded(weight.matrix);
    for (std::size_t i = 0; i < 700; ++i) {
      // A scale that was rounded down to bf16 cuts the largest value by as much.
      const float cut = type == DType::bf16 ? 127 * 0.004f : 0.0f;
      EXPECT_NEAR(found.as<float>()[i], w.as<float>()[i], scales.as<float>()[i / 100] * (0.501f + cut));
    }
  }
}

TEST(QuantizeInt8, ZerosStayZero) {
  Tensor w(DType::f32, {1, 8});
  std::ranges::fill(w.as<float>(), 0.0f);
  const Tensor found = expanded(quantize_int8(matrix_of(w), DType::bf16).matrix);
  for (const float value : found.as<float>()) EXPECT_EQ(value, 0.0f);
}

TEST(QuantizeInt4, IsNoWorseThanKeepingTheLargestValue) {
  const std::int64_t group = 32, columns = 96;
  const Tensor w = random_matrix(5, columns, 2, 0.02f);
  const Tensor found = expanded(quantize_int4(matrix_of(w), group, {}, DType::f32).matrix);
  Tensor plain(DType::f32, {5, columns});
  for (std::int64_t g = 0; g < 5 * columns / group; ++g) {
    const float* from = w.as<float>().data() + g * group;
    float largest = 0;
    for (std::int64_t i = 0; i < group; ++i) largest = std::max(largest, std::abs(from[i]));
    for (std::int64_t i = 0; i < group; ++i) {
      plain.as<float>()[static_cast<std::size_t>(g * group + i)] = std::nearbyint(from[i] * 7 / largest) * largest / 7;
    }
  }
  EXPECT_LT(square_error(found, w), 0.9 * square_error(plain, w));
  EXPECT_GT(square_error(found, w), 0.0);
}

TEST(QuantizeInt4, SpendsItsStepsWhereColumnsCount) {
  const Tensor w = random_matrix(16, 64, 3, 0.02f);
  std::vector<float> importance(64, 1.0f);
  for (std::size_t k = 0; k < 64; k += 8) importance[k] = 100.0f;
  const Tensor even = expanded(quantize_int4(matrix_of(w), 64, {}, DType::f32).matrix);
  const Tensor weighted = expanded(quantize_int4(matrix_of(w), 64, importance, DType::f32).matrix);
  EXPECT_LT(square_error(weighted, w, importance), square_error(even, w, importance));
}

TEST(QuantizeInt4, KeepsIntegersThatFit) {
  Tensor w(DType::f32, {1, 16});
  for (std::size_t i = 0; i < 16; ++i) w.as<float>()[i] = 0.5f * (static_cast<float>(i) - 8);
  const QuantizedWeight weight = quantize_int4(matrix_of(w), 16, {}, DType::f32);
  EXPECT_EQ(square_error(expanded(weight.matrix), w), 0.0);
  EXPECT_EQ(static_cast<std::uint32_t>(weight.values.as<std::int32_t>()[0]), 0x76543210u);
}

TEST(QuantizeInt4, GroupsMustDivide) {
  const Tensor w = random_matrix(2, 24, 4, 0.02f);
  for (const std::int64_t group : {0, 7, 16}) {
    EXPECT_THROW(quantize_int4(matrix_of(w), group, {}, DType::f32), InvalidInput) << group;
  }
  const std::vector<float> importance(23);
  EXPECT_THROW(quantize_int4(matrix_of(w), 8, importance, DType::f32), InvalidInput);
}

}  // namespace
}  // namespace e5v::quantize::test

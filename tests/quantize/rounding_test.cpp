#include "quantize/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace e5v::quantize {
namespace {

using tensor::DType;

TEST(Rounding, NumbersComeBackFromTheirType) {
  EXPECT_EQ(round_to(DType::f32, 0.1f), 0.1f);
  EXPECT_EQ(round_to(DType::bf16, 1.00390625f), 1.0f);  // a tie, to even
  EXPECT_EQ(round_to(DType::f16, 1.00390625f), 1.00390625f);
  const tensor::Tensor tensor(DType::bf16, {2});
  store(tensor, 0, 1), store(tensor, 1, 0.1f);
  EXPECT_EQ(tensor::to_f32(tensor.view()).as<float>()[1], round_to(DType::bf16, 0.1f));
}

TEST(Rounding, IntegersAreTheNearestInTheirRange) {
  for (const auto& [w, q] :
       {std::pair(0.26f, 3.0f), std::pair(-0.24f, -2.0f), std::pair(9.0f, 7.0f), std::pair(-9.0f, -8.0f)})
    EXPECT_EQ(nearest_int4(w, 10), q) << w;
}

double error_of(const std::vector<float>& w, const std::vector<float>& importance, float scale) {
  double error = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double d = static_cast<double>(w[i]) - static_cast<double>(scale * nearest_int4(w[i], 1 / scale));
    error += static_cast<double>(importance[i]) * d * d;
  }
  return error;
}

TEST(Rounding, TheScaleErrsLessThanTheOneThatKeepsTheLargest) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  double plain = 0, best = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<float> w(32), importance(32);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = normal(random), importance[i] = std::exp(normal(random));
    float largest = 0;
    for (const float value : w) largest = std::max(largest, std::abs(value));
    const float scale = best_int4_scale(w.data(), importance.data(), 32, DType::f32);
    EXPECT_LE(error_of(w, importance, scale), error_of(w, importance, largest / 7) * 1.0001);
    plain += error_of(w, importance, largest / 7), best += error_of(w, importance, scale);
  }
  EXPECT_LT(best, 0.95 * plain);
}

TEST(Rounding, AScaleIsNeverZeroAndOfItsType) {
  const std::vector<float> zeros(8);
  EXPECT_NE(best_int4_scale(zeros.data(), nullptr, 8, DType::f16), 0);
  const std::vector<float> w{0.1f, 0.7f, -0.3f, 0.2f, 0, 0, 0, 0};
  const float scale = best_int4_scale(w.data(), nullptr, 8, DType::bf16);
  EXPECT_EQ(scale, round_to(DType::bf16, scale));
}

TEST(Rounding, PackedIntegersAreReadAsTheFormatHasThem) {
  const float q[8]{-8, -1, 0, 1, 7, 2, -3, 4};
  std::int32_t word = 0;
  pack_int4(q, 8, &word);
  for (int i = 0; i < 8; ++i) {
    const auto nibble = static_cast<int>(static_cast<std::uint32_t>(word) >> (4 * i) & 15);
    EXPECT_EQ(nibble - 8, static_cast<int>(q[i])) << "offset by 8, the first in the lowest bits";
  }
}

}  // namespace
}  // namespace e5v::quantize

#include "eval/gap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.h"

namespace e5v::eval {
namespace {

constexpr std::int64_t kRows = 400, kWidth = 8;

/// Random directions, moved by `shift` along the first axis.
tensor::Tensor directions(unsigned seed, float shift) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  tensor::Tensor rows(tensor::DType::f32, {kRows, kWidth});
  for (std::size_t i = 0; i < rows.as<float>().size(); ++i)
    rows.as<float>()[i] = normal(random) + (i % kWidth == 0 ? shift : 0);
  normalize(rows);
  return rows;
}

tensor::ConstMatrix matrix(const tensor::Tensor& tensor) { return tensor::matrix_of(tensor.view()); }

TEST(Gap, IsNoneBetweenASpaceAndItself) {
  const tensor::Tensor rows = directions(1, 0);
  const Gap gap = measure_gap(matrix(rows), matrix(rows));
  EXPECT_EQ(gap.distance, 0);
  EXPECT_EQ(gap.alignment, 0);
  EXPECT_EQ(gap.text_uniformity, gap.image_uniformity);
  EXPECT_NEAR(gap.separability, 0.5, 0.01);
}

TEST(Gap, OfIndependentSpacesOfOneKindIsAtChance) {
  const tensor::Tensor a = directions(1, 0), b = directions(2, 0);
  const Gap gap = measure_gap(matrix(a), matrix(b));
  EXPECT_LT(gap.distance, 0.15);
  EXPECT_NEAR(gap.separability, 0.5, 0.07);
  EXPECT_NEAR(gap.alignment, 2, 0.1);  // random directions stand at right angles
}

TEST(Gap, IsFoundWhereOneModalityIsMoved) {
  const tensor::Tensor a = directions(1, -6), b = directions(2, 6);
  const Gap gap = measure_gap(matrix(a), matrix(b));
  EXPECT_GT(gap.distance, 1.5);
  EXPECT_GT(gap.separability, 0.99);
}

TEST(Gap, UniformityIsThatOfItsDefinition) {
  const tensor::Tensor a = directions(4, 1), b = directions(5, 1);
  double sum = 0;
  const auto values = a.as<float>();
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t j = 0; j < kRows; ++j) {
      double distance = 0;
      for (std::int64_t d = 0; d < kWidth; ++d) {
        const double difference =
            double{values[static_cast<std::size_t>(i * kWidth + d)]} - values[static_cast<std::size_t>(j * kWidth + d)];
        distance += difference * difference;
      }
      if (i != j) sum += std::exp(-2 * distance);
    }
  }
  EXPECT_NEAR(measure_gap(matrix(a), matrix(b)).text_uniformity, std::log(sum / (kRows * (kRows - 1))), 1e-5);
}

TEST(Gap, RefusesListsThatDoNotCorrespond) {
  const tensor::Tensor a = directions(1, 0);
  EXPECT_THROW(measure_gap(matrix(a), matrix(a).row_range(0, 20)), InvalidInput);
  EXPECT_THROW(measure_gap(matrix(a).row_range(0, 3), matrix(a).row_range(0, 3)), InvalidInput);
}

TEST(PrincipalPlane, IsSpannedByTheLongestAxes) {
  std::mt19937 random(9);
  std::normal_distribution<float> normal;
  tensor::Tensor rows(tensor::DType::f32, {kRows, kWidth});
  for (std::int64_t i = 0; i < kRows; ++i)
    for (std::int64_t d = 0; d < kWidth; ++d)
      rows.as<float>()[static_cast<std::size_t>(i * kWidth + d)] = 5 + normal(random) * (d == 3   ? 20.0f
                                                                                         : d == 6 ? 8.0f
                                                                                                  : 0.5f);
  const auto places = principal_plane(matrix(rows));
  double variance[2]{}, mean[2]{};
  for (const auto& place : places)
    for (const int axis : {0, 1})
      variance[axis] += place[static_cast<std::size_t>(axis)] * place[static_cast<std::size_t>(axis)] / kRows,
          mean[axis] += place[static_cast<std::size_t>(axis)] / kRows;
  EXPECT_NEAR(mean[0], 0, 1e-3);
  EXPECT_NEAR(std::sqrt(variance[0]), 20, 2);
  EXPECT_NEAR(std::sqrt(variance[1]), 8, 1);
}

}  // namespace
}  // namespace e5v::eval

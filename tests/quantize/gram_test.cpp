#include "quantize/gram.h"

#include <gmock/gmock.h>

#include <cmath>

#include "embed/forest.h"
#include "quantize/calibrate.h"
#include "quantize/random_matrix.h"

namespace e5v::quantize::test {
namespace {

using tensor::DType;
using tensor::Tensor;

std::vector<float> weights(std::int64_t rows) {
  std::vector<float> result;
  for (std::int64_t t = 0; t < rows; ++t) result.push_back(static_cast<float>(1 + t % 3));
  return result;
}

/// H as its definition says, in double.
std::vector<double> naive(const Tensor& x, std::span<const float> weights_T) {
  const std::int64_t K = x.shape()[1];
  std::vector<double> h(static_cast<std::size_t>(K * K));
  for (std::int64_t t = 0; t < x.shape()[0]; ++t) {
    const float* row = matrix_of(x).row<float>(t);
    for (std::int64_t i = 0; i < K; ++i) {
      for (std::int64_t j = 0; j < K; ++j) {
        h[static_cast<std::size_t>(i * K + j)] +=
            static_cast<double>(weights_T[static_cast<std::size_t>(t)]) * row[i] * row[j];
      }
    }
  }
  return h;
}

/// The largest difference between R R^T and H with what was added to its diagonal, as a share of the diagonal's mean.
double factor_error(const ErrorFactor& factor, const std::vector<double>& h) {
  const std::int64_t K = factor.r_KK.shape()[0];
  double mean = 0, worst = 0;
  for (std::int64_t k = 0; k < K; ++k) {
    mean += h[static_cast<std::size_t>(k * K + k)] / static_cast<double>(K);
  }
  for (std::int64_t i = 0; i < K; ++i) {
    for (std::int64_t j = i; j < K; ++j) {
      double sum = 0;
      for (std::int64_t k = j; k < K; ++k) {
        sum += static_cast<double>(matrix_of(factor.r_KK).row<float>(i)[k]) * matrix_of(factor.r_KK).row<float>(j)[k];
      }
      const double expected = h[static_cast<std::size_t>(i * K + j)] + (i == j ? factor.damping * mean : 0.0);
      worst = std::max(worst, std::abs(sum - expected));
    }
  }
  return worst / mean;
}

class GramShapes : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {};

TEST_P(GramShapes, FactorsTheSecondMoments) {
  const auto [rows, columns] = GetParam();
  const Tensor x = random_matrix(rows, columns, 1);
  const std::vector<float> weights_T = weights(rows);
  Gram gram(columns);
  const std::int64_t first = rows / 3;
  gram.add(matrix_of(x).row_range(0, first), std::span(weights_T).first(static_cast<std::size_t>(first)));
  gram.add(matrix_of(x).row_range(first, rows - first), std::span(weights_T).subspan(static_cast<std::size_t>(first)));
  const std::vector<double> h = naive(x, weights_T);
  const ErrorFactor factor = std::move(gram).factor();
  EXPECT_LT(factor_error(factor, h), 2e-5);
  EXPECT_EQ(factor.damping, 0.01);
  for (std::int64_t k = 0; k < columns; ++k) {
    const double expected = h[static_cast<std::size_t>(k * columns + k)];
    EXPECT_NEAR(factor.diagonal_K[static_cast<std::size_t>(k)], expected, 1e-5 * expected);
  }
}

// Around the blocks of 256 and 512, and with fewer rows than columns.
INSTANTIATE_TEST_SUITE_P(Shapes, GramShapes,
                         testing::Values(std::pair(40, 8), std::pair(700, 256), std::pair(300, 257),
                                         std::pair(1100, 520), std::pair(5, 300)));

TEST(Gram, DividedColumnsAreThoseOfDividedActivations) {
  const Tensor x = random_matrix(90, 24, 2);
  std::vector<float> factors(24, 1.0f);
  factors[3] = 4, factors[20] = 0.5f;
  Gram gram(24);
  gram.add(matrix_of(x), weights(90));
  gram.divide_columns(factors);
  for (std::int64_t t = 0; t < 90; ++t) {
    for (std::size_t k = 0; k < 24; ++k) matrix_of(x).row<float>(t)[k] /= factors[k];
  }
  EXPECT_LT(factor_error(std::move(gram).factor(), naive(x, weights(90))), 2e-5);
  EXPECT_THROW(Gram(24).divide_columns(std::vector<float>(23)), InvalidInput);
}

TEST(Gram, NothingSeenIsNoError) {
  const ErrorFactor factor = Gram(16).factor();
  for (std::int64_t k = 0; k < 16; ++k) EXPECT_GT(matrix_of(factor.r_KK).row<float>(k)[k], 0.0f);
}

TEST(Gram, MoreIsAddedUntilItIsPositive) {
  Tensor x(DType::f32, {1, 512});
  for (float& value : x.as<float>()) value = 1;  // rank one
  Gram gram(512);
  gram.add(matrix_of(x), std::vector<float>{1e30f});
  const ErrorFactor factor = std::move(gram).factor();
  EXPECT_GE(factor.damping, 0.01);
  for (std::int64_t k = 0; k < 512; ++k) EXPECT_GT(matrix_of(factor.r_KK).row<float>(k)[k], 0.0f) << k;
}

TEST(Gram, RefusesWhatIsNotFinite) {
  const Tensor x = random_matrix(4, 8, 3);
  x.as<float>()[5] = INFINITY;
  Gram gram(8);
  gram.add(matrix_of(x), weights(4));
  try {
    std::move(gram).factor();
    FAIL() << "no error";
  } catch (const ModelError& error) {
    EXPECT_STREQ(error.what(), "[quantize] the activations of the calibration items are not finite");
  }
  EXPECT_THROW(Gram(8).add(matrix_of(x), weights(3)), InvalidInput);
  EXPECT_THROW(Gram(9).add(matrix_of(x), weights(4)), InvalidInput);
}

TEST(RowWeights, CountTheInputsThatARowIsPartOf) {
  const auto sequence = [](std::initializer_list<std::int32_t> ids) {
    embed::Sequence result;
    for (const std::int32_t id : ids) result.push_back({-1, id});
    return result;
  };
  const embed::Forest forest =
      embed::build_forest(std::vector{sequence({1, 2, 5, 6}), sequence({1, 2, 7}), sequence({1, 2})});
  // rows: 1 and 2, which all share, the second one the vector of the third; 5, 6; 7
  EXPECT_THAT(row_weights(forest.rows, 10), testing::ElementsAre(3, 13, 1, 11, 11));
}

}  // namespace
}  // namespace e5v::quantize::test

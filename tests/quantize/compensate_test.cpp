#include "quantize/compensate.h"

#include <gmock/gmock.h>

#include <cmath>

#include "quantize/expanded.h"
#include "quantize/random_matrix.h"
#include "quantize/rounding.h"

namespace e5v::quantize::test {
namespace {

using tensor::DType;
using tensor::Tensor;

/// Activations whose columns go along with each other.
Tensor correlated(std::int64_t rows, std::int64_t columns) {
  const Tensor own = random_matrix(rows, columns, 11), common = random_matrix(rows, 3, 12),
               mix = random_matrix(3, columns, 13);
  for (std::int64_t t = 0; t < rows; ++t) {
    for (std::int64_t k = 0; k < columns; ++k) {
      float& x = matrix_of(own).row<float>(t)[k];
      for (std::int64_t c = 0; c < 3; ++c) x += matrix_of(common).row<float>(t)[c] * matrix_of(mix).row<float>(c)[k];
    }
  }
  return Tensor::from<float>(own.as<float>(), own.shape());
}

ErrorFactor factor_of(const Tensor& x) {
  Gram gram(x.shape()[1]);
  gram.add(matrix_of(x), std::vector<float>(static_cast<std::size_t>(x.shape()[0]), 1.0f));
  return std::move(gram).factor();
}

double product_error(const Tensor& x, const Tensor& w, const Tensor& rounded) {
  double error = 0;
  for (std::int64_t t = 0; t < x.shape()[0]; ++t) {
    for (std::int64_t n = 0; n < w.shape()[0]; ++n) {
      double sum = 0;
      for (std::int64_t k = 0; k < w.shape()[1]; ++k) {
        const float difference = matrix_of(w).row<float>(n)[k] - matrix_of(rounded).row<float>(n)[k];
        sum += static_cast<double>(matrix_of(x).row<float>(t)[k]) * difference;
      }
      error += sum * sum;
    }
  }
  return error;
}

using Square = std::vector<std::vector<double>>;

/// Gauss and Jordan's inverse of x^T x with what the factor added to its diagonal.
Square inverse_of(const Tensor& x, double damping) {
  const auto K = static_cast<std::size_t>(x.shape()[1]);
  Square h(K, std::vector<double>(K)), inverse = h;
  double mean = 0;
  for (std::size_t i = 0; i < K; ++i) {
    for (std::size_t j = 0; j < K; ++j) {
      for (std::int64_t t = 0; t < x.shape()[0]; ++t) {
        h[i][j] += static_cast<double>(matrix_of(x).row<float>(t)[i]) * matrix_of(x).row<float>(t)[j];
      }
    }
    mean += h[i][i] / static_cast<double>(K);
    inverse[i][i] = 1;
  }
  for (std::size_t i = 0; i < K; ++i) h[i][i] += damping * mean;
  for (std::size_t p = 0; p < K; ++p) {
    const double pivot = h[p][p];
    for (std::size_t j = 0; j < K; ++j) h[p][j] /= pivot, inverse[p][j] /= pivot;
    for (std::size_t i = 0; i < K; ++i) {
      const double times = i == p ? 0 : h[i][p];
      for (std::size_t j = 0; j < K; ++j) h[i][j] -= times * h[p][j], inverse[i][j] -= times * inverse[p][j];
    }
  }
  return inverse;
}

/// The method as its paper defines it (arXiv:2210.17323, eq. 2 and 3), in double: after each column the others move by
/// the error times its row of the inverse, and the column leaves the inverse.
Tensor naive(const Tensor& w, const Tensor& x, const ErrorFactor& factor, std::size_t group) {
  const auto K = static_cast<std::size_t>(w.shape()[1]);
  Tensor result(DType::f32, w.shape());
  const Square start = inverse_of(x, factor.damping);
  for (std::int64_t n = 0; n < w.shape()[0]; ++n) {
    std::vector<double> row(matrix_of(w).row<float>(n), matrix_of(w).row<float>(n) + K);
    Square inverse = start;
    float scale = 1;
    for (std::size_t k = 0; k < K; ++k) {
      if (k % group == 0) {
        const std::vector<float> wanted(row.begin() + static_cast<std::ptrdiff_t>(k),
                                        row.begin() + static_cast<std::ptrdiff_t>(k + group));
        scale =
            best_int4_scale(wanted.data(), factor.diagonal_K.data() + k, static_cast<std::int64_t>(group), DType::f32);
      }
      const float value = nearest_int4(static_cast<float>(row[k]), 1 / scale) * scale;
      matrix_of(result).row<float>(n)[k] = value;
      const double error = (row[k] - value) / inverse[k][k];
      for (std::size_t j = k + 1; j < K; ++j) row[j] -= error * inverse[k][j];
      const std::vector<double> gone = inverse[k];
      for (std::size_t i = k + 1; i < K; ++i) {
        for (std::size_t j = k + 1; j < K; ++j) inverse[i][j] -= gone[i] * gone[j] / gone[k];
      }
    }
  }
  return result;
}

class CompensatedInt4 : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {};

TEST_P(CompensatedInt4, IsTheDefinitionOfTheMethod) {
  const auto [columns, group] = GetParam();
  const std::int64_t rows = 40;
  const Tensor x = correlated(2 * columns, columns), w = random_matrix(rows, columns, 1);
  const ErrorFactor factor = factor_of(x);
  const Tensor found = expanded(quantize_int4_compensated(matrix_of(w), factor, group, DType::f32).matrix);
  const Tensor expected = naive(w, x, factor, static_cast<std::size_t>(group));
  std::int64_t equal = 0;  // a tie that falls the other way changes all that follows in its row
  for (std::int64_t n = 0; n < rows; ++n) {
    double difference = 0;
    for (std::int64_t k = 0; k < columns; ++k) {
      difference += std::abs(matrix_of(found).row<float>(n)[k] - matrix_of(expected).row<float>(n)[k]);
    }
    equal += difference < 1e-3 ? 1 : 0;
  }
  EXPECT_GE(equal, rows - 2);
  EXPECT_NEAR(product_error(x, w, found), product_error(x, w, expected), 0.02 * product_error(x, w, expected));
}

// Within a block of 128 columns, over three of them, and groups that are no power of two or wider than a block.
INSTANTIATE_TEST_SUITE_P(Shapes, CompensatedInt4,
                         testing::Values(std::pair(32, 8), std::pair(304, 16), std::pair(144, 24),
                                         std::pair(272, 136)));

TEST(CompensatedInt4, ProductsComeOutNearer) {
  const Tensor x = correlated(300, 128), fresh = correlated(500, 128), w = random_matrix(64, 128, 1);
  const ErrorFactor factor = factor_of(x);
  const Tensor nearest = expanded(quantize_int4(matrix_of(w), 32, factor.diagonal_K, DType::f32).matrix);
  const Tensor found = expanded(quantize_int4_compensated(matrix_of(w), factor, 32, DType::f32).matrix);
  EXPECT_LT(product_error(x, w, found), 0.7 * product_error(x, w, nearest));
  EXPECT_LT(product_error(fresh, w, found), 0.8 * product_error(fresh, w, nearest));  // not what it was rounded for
}

TEST(CompensatedInt4, WithoutCorrelationItIsTheNearest) {
  Tensor x(DType::f32, {64, 64});
  for (std::int64_t t = 0; t < 64; ++t) {
    for (std::int64_t k = 0; k < 64; ++k) matrix_of(x).row<float>(t)[k] = t == k ? 2.0f : 0.0f;
  }
  const ErrorFactor factor = factor_of(x);
  const Tensor w = random_matrix(1100, 64, 4);  // more rows than are rounded at a time
  for (const DType type : {DType::f32, DType::bf16, DType::f16}) {
    const QuantizedWeight found = quantize_int4_compensated(matrix_of(w), factor, 16, type);
    const QuantizedWeight nearest = quantize_int4(matrix_of(w), 16, factor.diagonal_K, type);
    EXPECT_TRUE(std::ranges::equal(found.values.view().bytes(), nearest.values.view().bytes()));
    EXPECT_TRUE(std::ranges::equal(found.scales.view().bytes(), nearest.scales.view().bytes()));
  }
}

TEST(CompensatedInt4, ShapesMustFitAndItCanBeStopped) {
  const ErrorFactor factor = factor_of(random_matrix(8, 24, 5));
  const Tensor w = random_matrix(2, 24, 6), other = random_matrix(2, 16, 7);
  EXPECT_THROW(quantize_int4_compensated(matrix_of(w), factor, 16, DType::f32), InvalidInput);
  EXPECT_THROW(quantize_int4_compensated(matrix_of(other), factor, 8, DType::f32), InvalidInput);
  EXPECT_THROW(quantize_int4_compensated(matrix_of(w), factor, 8, DType::f32, [] { fail<InvalidInput>("stop"); }),
               InvalidInput);
}

}  // namespace
}  // namespace e5v::quantize::test

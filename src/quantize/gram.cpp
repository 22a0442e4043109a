// Legend: T rows of activations, K columns, B columns of a block.
#include "quantize/gram.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "ops/matmul.h"

namespace e5v::quantize {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

constexpr std::int64_t kGramRows = 512;     // rows of activations at a time
constexpr std::int64_t kFactorBlock = 256;  // columns that are factored together
constexpr std::int64_t kStrip = 1024;       // columns of H that one product adds to

Matrix part(Matrix matrix, std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns) {
  return matrix.row_range(row, rows).column_range(column, columns);
}

/// Copies the upper triangle to the lower one, or the other way round.
void mirror(Matrix h_KK, bool to_lower) {
  parallel_for(h_KK.rows, 16, [&](std::int64_t i) {
    for (std::int64_t j = i + 1; j < h_KK.columns; ++j) {
      float &upper = h_KK.row<float>(i)[j], &lower = h_KK.row<float>(j)[i];
      (to_lower ? lower : upper) = to_lower ? upper : lower;
    }
  });
}

/// Factors a block on the diagonal in double, h = R R^T with an upper triangular R, and computes R's inverse. Returns
/// false when h is not positive definite.
bool factor_block(Matrix h_BB, Matrix inverse_BB) {
  const std::int64_t B = h_BB.rows;
  std::vector<double> r(static_cast<std::size_t>(B * B)), inverse(r.size());
  const auto at = [B](std::int64_t i, std::int64_t j) { return static_cast<std::size_t>(i * B + j); };
  for (std::int64_t j = B; j-- > 0;) {
    double pivot = h_BB.row<float>(j)[j];
    for (std::int64_t k = j + 1; k < B; ++k) pivot -= r[at(j, k)] * r[at(j, k)];
    if (!(pivot > 0)) return false;
    r[at(j, j)] = std::sqrt(pivot);
    for (std::int64_t i = 0; i < j; ++i) {
      double sum = h_BB.row<float>(i)[j];
      for (std::int64_t k = j + 1; k < B; ++k) sum -= r[at(i, k)] * r[at(j, k)];
      r[at(i, j)] = sum / r[at(j, j)];
    }
  }
  for (std::int64_t j = 0; j < B; ++j) {
    inverse[at(j, j)] = 1 / r[at(j, j)];
    for (std::int64_t i = j; i-- > 0;) {
      double sum = 0;
      for (std::int64_t k = i + 1; k <= j; ++k) sum += r[at(i, k)] * inverse[at(k, j)];
      inverse[at(i, j)] = -sum / r[at(i, i)];
    }
  }
  for (std::int64_t i = 0; i < B; ++i) {
    for (std::int64_t j = 0; j < B; ++j) {
      if (j >= i) h_BB.row<float>(i)[j] = static_cast<float>(r[at(i, j)]);
      inverse_BB.row<float>(i)[j] = j >= i ? static_cast<float>(inverse[at(i, j)]) : 0.0f;
    }
  }
  return true;
}

/// Replaces the upper triangle of h by R, from the last block of columns to the first. Returns false when h is not
/// positive definite; a part of it is R then.
bool factor_upper(Matrix h_KK) {
  const std::int64_t K = h_KK.rows;
  const Tensor inverse(DType::f32, {kFactorBlock, kFactorBlock}), above(DType::f32, {K, kFactorBlock});
  for (std::int64_t end = K; end > 0;) {
    const std::int64_t begin = (end - 1) / kFactorBlock * kFactorBlock, width = end - begin;
    const Matrix inverse_BB = part(matrix_of(inverse), 0, width, 0, width);
    if (!factor_block(part(h_KK, begin, width, begin, width), inverse_BB)) return false;
    if (begin > 0) {
      const Matrix column = part(h_KK, 0, begin, begin, width), copy = part(matrix_of(above), 0, begin, 0, width);
      for (std::int64_t i = 0; i < begin; ++i) std::copy_n(column.row<float>(i), width, copy.row<float>(i));
      ops::multiply(copy, inverse_BB, 1, column, false);
      for (std::int64_t left = 0; left < begin; left += kStrip) {
        const std::int64_t strip = std::min(kStrip, begin - left);
        ops::multiply(column.row_range(0, left + strip), column.row_range(left, strip), -1,
                      part(h_KK, 0, left + strip, left, strip), true);
      }
    }
    end = begin;
  }
  return true;
}

}  // namespace

Gram::Gram(std::int64_t columns_K) : h_KK_(DType::f32, {columns_K, columns_K}) {
  std::fill(h_KK_.as<float>().begin(), h_KK_.as<float>().end(), 0.0f);
}

void Gram::add(ConstMatrix x_TK, std::span<const float> weights_T) {
  const std::int64_t K = columns();
  require(x_TK.dtype == DType::f32 && x_TK.columns == K && static_cast<std::int64_t>(weights_T.size()) == x_TK.rows,
          "[quantize] activations are {} [{}, {}] with {} weights, expected f32 and {} columns", name_of(x_TK.dtype),
          x_TK.rows, x_TK.columns, weights_T.size(), K);
  const Tensor scaled(DType::f32, {std::min(kGramRows, x_TK.rows), K});
  for (std::int64_t begin = 0; begin < x_TK.rows; begin += kGramRows) {
    const std::int64_t rows = std::min(kGramRows, x_TK.rows - begin);
    const Matrix y_TK = matrix_of(scaled).row_range(0, rows);
    parallel_for(rows, 16, [&](std::int64_t t) {
      const float root = std::sqrt(weights_T[static_cast<std::size_t>(begin + t)]);
      const float* x = x_TK.row<float>(begin + t);
      for (std::int64_t k = 0; k < K; ++k) y_TK.row<float>(t)[k] = x[k] * root;
    });
    for (std::int64_t left = 0; left < K; left += kStrip) {
      const std::int64_t strip = std::min(kStrip, K - left);
      ops::weight_gradient(y_TK.column_range(0, left + strip), y_TK.column_range(left, strip), 1,
                           part(matrix_of(h_KK_), 0, left + strip, left, strip));
    }
  }
}

void Gram::divide_columns(std::span<const float> factors_K) {
  require(static_cast<std::int64_t>(factors_K.size()) == columns(), "[quantize] {} factors for {} columns",
          factors_K.size(), columns());
  parallel_for(columns(), 16, [&](std::int64_t i) {
    float* h = matrix_of(h_KK_).row<float>(i);
    const float own = factors_K[static_cast<std::size_t>(i)];
    for (std::size_t j = static_cast<std::size_t>(i); j < factors_K.size(); ++j) h[j] /= own * factors_K[j];
  });
}

ErrorFactor Gram::factor() && {
  constexpr double kMinimum = 0.01, kMaximum = 10;
  ErrorFactor result{std::move(h_KK_), {}, kMinimum};
  const Matrix h_KK = matrix_of(result.r_KK);
  double mean = 0;
  for (std::int64_t k = 0; k < h_KK.rows; ++k) {
    result.diagonal_K.push_back(h_KK.row<float>(k)[k]);
    mean += static_cast<double>(h_KK.row<float>(k)[k]) / static_cast<double>(h_KK.rows);
  }
  require<ModelError>(std::isfinite(mean), "[quantize] the activations of the calibration items are not finite");
  if (mean == 0) mean = 1;  // without activations, H becomes a multiple of the identity
  for (mirror(h_KK, true); result.damping <= kMaximum; result.damping *= 10) {
    const auto added = static_cast<float>(result.damping * mean);
    for (std::int64_t k = 0; k < h_KK.rows; ++k) {
      h_KK.row<float>(k)[k] = result.diagonal_K[static_cast<std::size_t>(k)] + added;
    }
    if (factor_upper(h_KK)) return result;
    mirror(h_KK, false);
  }
  fail<ModelError>("[quantize] the activations of the calibration items are not finite");
}

}  // namespace e5v::quantize

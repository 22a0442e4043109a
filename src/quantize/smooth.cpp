// Legend: S sampled rows of activations, K columns, n sampled rows of weights.
#include "quantize/smooth.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "ops/matmul.h"
#include "quantize/weights.h"

namespace e5v::quantize {
namespace {

using tensor::DType;
using tensor::Tensor;
using tensor::WeightFormat;

constexpr std::int64_t kSampledOutputs = 128;

/// Rows of all parts at even distances. f32 [n, K].
Tensor sample_outputs(std::span<const tensor::ConstMatrix> parts) {
  std::int64_t rows = 0;
  for (const tensor::ConstMatrix& part : parts) rows += part.rows;
  const std::int64_t count = std::min(rows, kSampledOutputs), K = parts[0].columns;
  Tensor sample(DType::f32, {count, K});
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t row = i * rows / count;
    auto part = parts.begin();
    while (row >= part->rows) row -= part++->rows;
    std::copy_n(part->row<float>(row), K, matrix_of(sample).row<float>(i));
  }
  return sample;
}

std::vector<float> largest_by_column(std::span<const tensor::ConstMatrix> parts) {
  std::vector<float> largest(static_cast<std::size_t>(parts[0].columns));
  for (const tensor::ConstMatrix& part : parts) {
    for (std::int64_t n = 0; n < part.rows; ++n) {
      const float* w = part.row<float>(n);
      for (std::size_t k = 0; k < largest.size(); ++k) largest[k] = std::max(largest[k], std::abs(w[k]));
    }
  }
  return largest;
}

/// Gives columns that must share a factor the largest of their values.
void tie(std::vector<float>& values, const Tied& tied) {
  if (tied.run == 0 || tied.repeat == 1) return;
  const auto run = static_cast<std::size_t>(tied.run), repeat = static_cast<std::size_t>(tied.repeat);
  for (std::size_t block = 0; block < values.size(); block += run * repeat) {
    for (std::size_t k = block; k < block + run; ++k) {
      float largest = 0;
      for (std::size_t r = 0; r < repeat; ++r) largest = std::max(largest, values[k + r * run]);
      for (std::size_t r = 0; r < repeat; ++r) values[k + r * run] = largest;
    }
  }
}

/// Powers of two, with about 1 in the middle. Columns without activations keep 1.
std::vector<float> factors_for(std::span<const float> x, std::span<const float> w, double strength, bool int8) {
  std::vector<float> logs;
  std::vector<bool> seen;
  double sum = 0, count = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const bool known = x[k] > 0 && w[k] > 0;
    const double log = !known ? 0.0 : strength * std::log2(x[k]) - (int8 ? (1 - strength) * std::log2(w[k]) : 0.0);
    logs.push_back(static_cast<float>(log));
    seen.push_back(known);
    if (known) sum += log, count += 1;
  }
  const double middle = count > 0 ? sum / count : 0.0;
  std::vector<float> factors(x.size(), 1.0f);
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (seen[k]) factors[k] = std::exp2(std::nearbyint(static_cast<float>(std::clamp(logs[k] - middle, -20.0, 20.0))));
  }
  return factors;
}

/// Computes copy[r][k] = from[r][k] * factor[k], or divided by it.
Tensor scaled_columns(tensor::ConstMatrix from, std::span<const float> factors, bool divide) {
  Tensor copy(DType::f32, {from.rows, from.columns});
  for (std::int64_t r = 0; r < from.rows; ++r) {
    const float* x = from.row<float>(r);
    float* y = matrix_of(copy).row<float>(r);
    for (std::size_t k = 0; k < factors.size(); ++k) y[k] = divide ? x[k] / factors[k] : x[k] * factors[k];
  }
  return copy;
}

Tensor product(tensor::ConstMatrix x_SK, const tensor::StoredMatrix& w_nK, ops::Arithmetic arithmetic) {
  Tensor y(DType::f32, {x_SK.rows, w_nK.rows});
  ops::matmul(x_SK, ops::Weight(std::span(&w_nK, 1), arithmetic), {}, matrix_of(y));
  return y;
}

/// The mean square of the difference between exact and rounded product, as a share of the exact product's mean square.
double rounding_error(tensor::ConstMatrix x_SK, tensor::ConstMatrix w_nK, std::span<const float> factors,
                      const Tensor& exact, const Scheme& scheme) {
  const Tensor x = scaled_columns(x_SK, factors, true), w = scaled_columns(w_nK, factors, false);
  const bool int8 = scheme.format == WeightFormat::int8;
  const QuantizedWeight rounded =
      int8 ? quantize_int8(matrix_of(w), DType::f32) : quantize_int4(matrix_of(w), scheme.group, {}, DType::f32);
  const Tensor found = product(matrix_of(x), rounded.matrix, int8 ? ops::Arithmetic::int8 : ops::Arithmetic::f32);
  double difference = 0, whole = 0;
  for (std::size_t i = 0; i < exact.as<float>().size(); ++i) {
    const double a = exact.as<float>()[i], b = found.as<float>()[i];
    difference += (a - b) * (a - b);
    whole += a * a;
  }
  return whole > 0 ? difference / whole : 0;
}

}  // namespace

void ActivationSample::take(tensor::ConstMatrix x_TK, std::int64_t total_rows) {
  require(x_TK.dtype == DType::f32 && x_TK.rows > 0, "[quantize] activations are {} [{}, {}], expected f32 rows",
          name_of(x_TK.dtype), x_TK.rows, x_TK.columns);
  const auto K = static_cast<std::size_t>(x_TK.columns);
  const std::int64_t total = std::max(total_rows, x_TK.rows), count = std::min(total, kRows);
  if (seen_ == 0) {
    largest_.assign(K, 0);
    mean_square_.assign(K, 0);
    rows_ = Tensor(DType::f32, {count, x_TK.columns});
  }
  for (std::int64_t t = 0; t < x_TK.rows; ++t) {
    const float* x = x_TK.row<float>(t);
    for (std::size_t k = 0; k < K; ++k) {
      largest_[k] = std::max(largest_[k], std::abs(x[k]));
      mean_square_[k] += x[k] * x[k] / static_cast<float>(total);
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t t = i * total / count - seen_;
    if (t >= 0 && t < x_TK.rows) std::copy_n(x_TK.row<float>(t), K, matrix_of(rows_).row<float>(i));
  }
  seen_ += x_TK.rows;
}

Smoothing choose_smoothing(const ActivationSample& sample, std::span<const tensor::ConstMatrix> parts,
                           const Scheme& scheme, const Tied& tied) {
  constexpr std::array kStrengths{0.25, 0.5, 0.75};
  const bool int8 = scheme.format == WeightFormat::int8;
  const Tensor w_nK = sample_outputs(parts);
  const tensor::StoredMatrix plain = w_nK.view();
  const Tensor exact = product(sample.rows(), plain, ops::Arithmetic::f32);
  std::vector<float> x(sample.largest().begin(), sample.largest().end()), w = largest_by_column(parts);
  if (!int8) {
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = std::sqrt(sample.mean_square()[k]);
  }
  tie(x, tied);
  tie(w, tied);
  Smoothing best;
  best.factors.assign(x.size(), 1.0f);
  best.error_before = best.error = rounding_error(sample.rows(), matrix_of(w_nK), best.factors, exact, scheme);
  for (const double strength : kStrengths) {
    std::vector<float> factors = factors_for(x, w, strength, int8);
    const double error = rounding_error(sample.rows(), matrix_of(w_nK), factors, exact, scheme);
    if (error >= best.error) continue;
    best.error = error;
    best.strength = strength;
    best.factors = std::move(factors);
  }
  return best;
}

}  // namespace e5v::quantize

// Legend: N rows of a weight, n rows at a time, K columns, B columns of a block (whole groups), G columns of a group.
#include "quantize/compensate.h"

#include <algorithm>

#include "base/parallel.h"
#include "ops/matmul.h"
#include "quantize/rounding.h"

namespace e5v::quantize {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

constexpr std::int64_t kRows = 1024;
constexpr std::int64_t kBlock = 128;

/// Some rows during the rounding of their columns.
struct Rows {
  tensor::ConstMatrix w_nK;
  Matrix pending_nK;  ///< e R: the effect of earlier errors on each column
  Matrix error_nB;    ///< e = w - q s of the block's columns
  Matrix q_nK;        ///< integers, as floats
};

class Compensation {
 public:
  Compensation(const ErrorFactor& factor, std::int64_t group, const Tensor& scales)
      : r_KK_(matrix_of(factor.r_KK.view())),
        importance_(factor.diagonal_K.data()),
        group_(group),
        block_(group * std::max<std::int64_t>(1, kBlock / group)),
        scales_(scales) {}

  std::int64_t block() const { return block_; }

  /// Rounds the columns of all groups. `first` is the index of the first row in the weight.
  void round(const Rows& rows, std::int64_t first, const std::function<void()>& check_stop) const {
    const std::int64_t K = r_KK_.rows, count = rows.w_nK.rows;
    for (std::int64_t begin = 0; begin < K; begin += block_) {
      if (check_stop) check_stop();
      const std::int64_t end = std::min(K, begin + block_);
      parallel_for(count, 8, [&](std::int64_t row) {
        for (std::int64_t g = begin; g < end; g += group_) round_group(rows, row, first + row, g, begin, end);
      });
      if (end == K) continue;
      ops::multiply_backward(rows.error_nB.column_range(0, end - begin),
                             r_KK_.row_range(begin, end - begin).column_range(end, K - end), 1,
                             rows.pending_nK.column_range(end, K - end), true);
    }
  }

 private:
  float r(std::int64_t i, std::int64_t j) const { return r_KK_.row<float>(i)[j]; }

  /// Rounds the group at column g, and adds the effect of its errors to the other columns of the block.
  void round_group(const Rows& rows, std::int64_t row, std::int64_t place, std::int64_t g, std::int64_t begin,
                   std::int64_t end) const {
    const float* w = rows.w_nK.row<float>(row);
    float *pending = rows.pending_nK.row<float>(row), *q = rows.q_nK.row<float>(row);
    const float scale = group_scale(w, pending, g), inverse = 1 / scale;
    for (std::int64_t k = g; k < g + group_; ++k) {
      q[k] = nearest_int4(w[k] + pending[k] / r(k, k), inverse);
      const float error = w[k] - q[k] * scale;
      rows.error_nB.row<float>(row)[k - begin] = error;
      const float* r_k = r_KK_.row<float>(k);
      for (std::int64_t j = k + 1; j < end; ++j) pending[j] += error * r_k[j];
    }
    store(scales_, place * (r_KK_.rows / group_) + g / group_, scale);
  }

  /// The scale for w + d with d R = pending within the group. These are the numbers that would leave no error.
  float group_scale(const float* w, const float* pending, std::int64_t g) const {
    std::vector<float> wanted(w + g, w + g + group_), left(pending + g, pending + g + group_);
    for (std::int64_t k = 0; k < group_; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const float d = left[at] / r(g + k, g + k);
      const float* r_k = r_KK_.row<float>(g + k) + g;
      for (std::int64_t j = k + 1; j < group_; ++j) left[static_cast<std::size_t>(j)] -= d * r_k[j];
      wanted[at] += d;
    }
    return best_int4_scale(wanted.data(), importance_ + g, group_, scales_.dtype());
  }

  tensor::ConstMatrix r_KK_;
  const float* importance_;
  std::int64_t group_, block_;
  const Tensor& scales_;
};

}  // namespace

QuantizedWeight quantize_int4_compensated(tensor::ConstMatrix w_NK, const ErrorFactor& factor, std::int64_t group,
                                          DType scale_type, const std::function<void()>& check_stop) {
  const std::int64_t N = w_NK.rows, K = w_NK.columns;
  require(group > 0 && group % 8 == 0 && K % group == 0,
          "[quantize] groups of {} columns, expected a multiple of 8 that divides {}", group, K);
  require(factor.r_KK.shape() == tensor::Shape({K, K}),
          "[quantize] the error factor has the shape {}, expected [{}, {}]", factor.r_KK.shape().text(), K, K);
  QuantizedWeight result{{DType::i32, {N, K / 8}}, {scale_type, {N, K / group}}, {}};
  const Compensation compensation(factor, group, result.scales);
  const std::int64_t max_rows = std::min(N, kRows);
  const Tensor pending(DType::f32, {max_rows, K}), error(DType::f32, {max_rows, compensation.block()}),
      q(DType::f32, {max_rows, K});
  for (std::int64_t begin = 0; begin < N; begin += kRows) {
    const std::int64_t count = std::min(kRows, N - begin);
    std::fill(pending.as<float>().begin(), pending.as<float>().end(), 0.0f);
    const Rows rows{w_NK.row_range(begin, count), matrix_of(pending).row_range(0, count),
                    matrix_of(error).row_range(0, count), matrix_of(q).row_range(0, count)};
    compensation.round(rows, begin, check_stop);
    for (std::int64_t row = 0; row < count; ++row) {
      pack_int4(rows.q_nK.row<float>(row), K, result.values.as<std::int32_t>().data() + (begin + row) * (K / 8));
    }
  }
  result.matrix = tensor::StoredMatrix::int4(result.values.view(), result.scales.view(), K);
  return result;
}

}  // namespace e5v::quantize

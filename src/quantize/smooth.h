#pragma once
#include <span>
#include <vector>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::quantize {

/// The format of a weight matrix.
struct Scheme {
  tensor::WeightFormat format = tensor::WeightFormat::int8;
  std::int64_t group = 64;  ///< columns that share a scale, for int4
};

/// Statistics of a weight matrix's inputs: the largest magnitude and the mean square of each column, and some rows.
class ActivationSample {
 public:
  static constexpr std::int64_t kRows = 128;  ///< maximum number of stored rows, at even distances

  /// x_TK f32 [T, K] is the input of one pass. total_rows is the number of rows in all passes, at least those of this
  /// one.
  void take(tensor::ConstMatrix x_TK, std::int64_t total_rows = 0);

  std::span<const float> largest() const { return largest_; }          ///< [K]
  std::span<const float> mean_square() const { return mean_square_; }  ///< [K]
  tensor::ConstMatrix rows() const { return matrix_of(rows_); }        ///< f32 [at most kRows, K]

 private:
  std::vector<float> largest_, mean_square_;
  std::int64_t seen_ = 0;
  tensor::Tensor rows_;
};

/// Factors that move magnitude from columns of activations into columns of weights. x / s and W diag(s) have the same
/// product as x and W, and round with smaller errors where some columns of x are much larger than others.
struct Smoothing {
  std::vector<float> factors;  ///< s [K], powers of two, so that multiplying other weights by them is exact
  double strength = 0;         ///< 0: all factors are 1
  double error_before = 0;     ///< mean square error of the sample's product as a share of its mean square, with s = 1
  double error = 0;            ///< the same with these factors
};

/// Columns that must have the same factor, because one row of another weight produces all of them (grouped heads).
struct Tied {
  std::int64_t run = 0;     ///< columns of a run; 0: every column has its own factor
  std::int64_t repeat = 1;  ///< number of adjacent runs with the same factors
};

/// Chooses, among the strengths 0, 1/4, 1/2 and 3/4, the one with the smallest error of the sample's product, when
/// weights (and activations for int8) are rounded by the scheme. s = max|x|^a / max|w|^(1-a) for int8 (SmoothQuant,
/// arXiv:2211.10438, eq. 4); s = rms(x)^a for int4 (AWQ, arXiv:2306.00978, eq. 5). parts: the matrices with the input
/// x, f32 [N_i, K].
Smoothing choose_smoothing(const ActivationSample& sample, std::span<const tensor::ConstMatrix> parts,
                           const Scheme& scheme, const Tied& tied = {});

}  // namespace e5v::quantize

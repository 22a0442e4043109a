#pragma once
#include <span>
#include <vector>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::quantize {

/// What to make of a weight matrix.
struct Scheme {
  tensor::WeightFormat format = tensor::WeightFormat::int8;
  std::int64_t group = 64;  ///< columns that share a scale, of int4
};

/// What was seen to enter a weight matrix: its largest magnitudes and mean squares by column, and some of its rows.
class ActivationSample {
 public:
  static constexpr std::int64_t kRows = 128;  ///< kept at most, evenly spread over what was seen

  /// x_TK f32 [T, K], what enters the matrix in one pass, of so many rows in all passes (at least those of this one).
  void take(tensor::ConstMatrix x_TK, std::int64_t total_rows = 0);

  std::span<const float> largest() const { return largest_; }          ///< [K]
  std::span<const float> mean_square() const { return mean_square_; }  ///< [K]
  tensor::ConstMatrix rows() const { return matrix_of(rows_); }        ///< f32 [at most kRows, K]

 private:
  std::vector<float> largest_, mean_square_;
  std::int64_t seen_ = 0;
  tensor::Tensor rows_;
};

/// Factors that move magnitude between the columns of activations and the columns of the weights they meet: x / s and
/// W diag(s) give the same product and round better, where some columns of x are much larger than others.
struct Smoothing {
  std::vector<float> factors;  ///< s [K], powers of two, so that folding them into other weights rounds nothing
  double strength = 0;         ///< 0: all factors are 1
  double error_before = 0;     ///< mean square error of the product over the sample, of its mean square, with s = 1
  double error = 0;            ///< the same with these factors
};

/// Columns that must have one factor, because one row of another weight stands behind them all: grouped heads.
struct Tied {
  std::int64_t run = 0;     ///< columns of a run; 0: every column is free
  std::int64_t repeat = 1;  ///< runs next to each other that have the same factors
};

/// Of the strengths 0, 1/4, 1/2 and 3/4 the one whose product over the sample comes out nearest the exact one when
/// weights (and for int8 activations) are rounded by the scheme. s = max|x|^a / max|w|^(1-a) for int8 (SmoothQuant,
/// arXiv:2211.10438, eq. 4); s = rms(x)^a for int4 (AWQ, arXiv:2306.00978, eq. 5).
/// parts: the matrices that x enters, f32 [N_i, K].
Smoothing choose_smoothing(const ActivationSample& sample, std::span<const tensor::ConstMatrix> parts,
                           const Scheme& scheme, const Tied& tied = {});

}  // namespace e5v::quantize

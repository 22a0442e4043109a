#pragma once
#include <span>
#include <vector>

#include "tensor/matrix.h"

/// The error of a weight's products is the sum over x of |(W - Q) x|^2 = tr (W - Q) H (W - Q)^T, with H = sum x x^T.
namespace e5v::quantize {

/// An upper triangular R with R R^T = H + damping. For a row's errors e, column j of e R is the part of the sum that
/// remains when the errors before j are given and the later ones are optimal.
struct ErrorFactor {
  tensor::Tensor r_KK;            ///< f32; undefined below the diagonal
  std::vector<float> diagonal_K;  ///< the diagonal of H
  double damping = 0;             ///< the number added to the diagonal, as a share of its mean
};

/// The weighted second moments H of a weight matrix's inputs. Takes K^2 floats.
class Gram {
 public:
  explicit Gram(std::int64_t columns_K);

  std::int64_t columns() const { return h_KK_.shape()[0]; }

  /// Computes H += sum of weights_T[t] x_t x_t^T. x_TK f32; no weight is negative.
  void add(tensor::ConstMatrix x_TK, std::span<const float> weights_T);

  /// Makes H that of inputs with columns divided by the factors.
  void divide_columns(std::span<const float> factors_K);

  /// Factors H in place. Adds one hundredth of the diagonal's mean to the diagonal, and ten times as much each time
  /// that H is not positive definite in f32. Throws ModelError when H is not finite.
  ErrorFactor factor() &&;

 private:
  tensor::Tensor h_KK_;  // the upper triangle
};

}  // namespace e5v::quantize

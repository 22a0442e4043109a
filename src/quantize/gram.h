#pragma once
#include <span>
#include <vector>

#include "tensor/matrix.h"

/// What the errors of a weight do to its products: sum over x of |(W - Q) x|^2 = tr (W - Q) H (W - Q)^T, H = sum x x^T.
namespace e5v::quantize {

/// Upper triangular R with R R^T = H + damping. Column j of a row's errors e times R is what is left of the sum when
/// the errors before j are given and those behind it are chosen best.
struct ErrorFactor {
  tensor::Tensor r_KK;            ///< f32; below the diagonal undefined
  std::vector<float> diagonal_K;  ///< of H
  double damping = 0;             ///< what was added to the diagonal, as a share of its mean
};

/// The weighted second moments H of what enters a weight matrix. It takes K^2 floats.
class Gram {
 public:
  explicit Gram(std::int64_t columns_K);

  std::int64_t columns() const { return h_KK_.shape()[0]; }

  /// H += sum of weights_T[t] x_t x_t^T. x_TK f32; weights not negative.
  void add(tensor::ConstMatrix x_TK, std::span<const float> weights_T);

  /// H as if every x had been divided by the factors, column by column.
  void divide_columns(std::span<const float> factors_K);

  /// Factors H in place. One hundredth of the diagonal's mean is added to the diagonal, and ten times as much each time
  /// that H still is not positive definite in f32. Throws ModelError when H is not finite.
  ErrorFactor factor() &&;

 private:
  tensor::Tensor h_KK_;  // the upper triangle
};

}  // namespace e5v::quantize

#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace e5v::eval {

/// Multinomial logistic regression with an L2 penalty: minimises |W|^2 / 2 + c * (sum of the cross entropies), as
/// scikit-learn's LogisticRegression does. The bias has no penalty. L-BFGS in double solves it; the result is
/// deterministic.
class LogisticRegression {
 public:
  /// x_ND f32 [N, D]; labels [N] in [0, classes). The search begins at `start`, which has the same sizes, or at zero;
  /// the result of a similar problem saves time. Throws InvalidInput when sizes differ or a label is out of range.
  static LogisticRegression fit(tensor::ConstMatrix x_ND, std::span<const int> labels, int classes, double c,
                                const LogisticRegression* start = nullptr);

  /// The most likely class of each row.
  std::vector<int> predict(tensor::ConstMatrix x_ND) const;

  /// The share of rows with a right prediction.
  double accuracy(tensor::ConstMatrix x_ND, std::span<const int> labels) const;

 private:
  std::int64_t width_ = 0;
  std::vector<float> weights_CD_, bias_C_;
};

}  // namespace e5v::eval

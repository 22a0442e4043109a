#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace e5v::eval {

/// Multinomial logistic regression with an L2 penalty: minimises |W|^2 / 2 + c * (sum of the cross entropies), as
/// scikit-learn's LogisticRegression does; the bias is not penalised. Solved by L-BFGS in double; deterministic.
class LogisticRegression {
 public:
  /// x_ND f32 [N, D]; labels [N] in [0, classes). `start`, of the same sizes, is where the search begins: the result of
  /// a similar problem saves time; none: at zero. Throws InvalidInput when sizes differ or a label is out of range.
  static LogisticRegression fit(tensor::ConstMatrix x_ND, std::span<const int> labels, int classes, double c,
                                const LogisticRegression* start = nullptr);

  /// The most likely class of each row.
  std::vector<int> predict(tensor::ConstMatrix x_ND) const;

  /// The share of rows whose class is predicted.
  double accuracy(tensor::ConstMatrix x_ND, std::span<const int> labels) const;

 private:
  std::int64_t width_ = 0;
  std::vector<float> weights_CD_, bias_C_;
};

}  // namespace e5v::eval

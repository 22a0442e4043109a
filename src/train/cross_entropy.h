#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::train {

struct CrossEntropy {
  double sum = 0;         ///< of all rows' losses
  std::int64_t hits = 0;  ///< rows whose label scores highest
};

/// The cross-entropy of each row's label among its columns. The scores become the gradient of weight * sum by them:
/// weight * (softmax - target). scores_RC f32; labels_R in [0, C). Sums have one order, whatever the number of threads.
CrossEntropy through_cross_entropy(tensor::Matrix scores_RC, std::span<const std::int32_t> labels_R, double weight);

}  // namespace e5v::train

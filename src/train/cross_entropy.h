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

/// The same where a row has several labels, each worth an equal part. Columns are things, of which the first R are the
/// rows: a row's labels are the other things of its group, at least one, and itself is no candidate. groups_C >= 0, or
/// negative for a thing that is like no other. Source: arXiv:2004.11362, eq. 2.
CrossEntropy through_group_cross_entropy(tensor::Matrix scores_RC, std::span<const std::int32_t> groups_C,
                                         double weight);

}  // namespace e5v::train

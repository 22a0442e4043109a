#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::train {

struct CrossEntropy {
  double sum = 0;         ///< of the losses of all rows
  std::int64_t hits = 0;  ///< rows with the highest score at a label
};

/// The cross-entropy of each row's label among its columns. The scores are replaced by the gradient of weight * sum
/// with respect to them, which is weight * (softmax - target). scores_RC f32; labels_R in [0, C). Sums have a fixed
/// order, whatever the number of threads.
CrossEntropy through_cross_entropy(tensor::Matrix scores_RC, std::span<const std::int32_t> labels_R, double weight);

/// The same for rows with several labels of equal weight. The first R columns are the rows themselves. The labels of a
/// row are the other columns of its group, at least one; the row itself is no candidate. groups_C >= 0; a column with a
/// negative group belongs to no group. Source: arXiv:2004.11362, eq. 2.
CrossEntropy through_group_cross_entropy(tensor::Matrix scores_RC, std::span<const std::int32_t> groups_C,
                                         double weight);

}  // namespace e5v::train

// Legend: R rows, C columns.
#include "train/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"

namespace e5v::train {

CrossEntropy through_cross_entropy(tensor::Matrix scores_RC, std::span<const std::int32_t> labels_R, double weight) {
  const std::int64_t R = scores_RC.rows, C = scores_RC.columns;
  require(static_cast<std::int64_t>(labels_R.size()) == R, "[cross_entropy] {} labels for {} rows", labels_R.size(), R);
  for (const std::int32_t label : labels_R) {
    require(label >= 0 && label < C, "[cross_entropy] label {} of {} columns", label, C);
  }
  std::vector<double> losses(labels_R.size());
  std::vector<char> hits(labels_R.size());
  parallel_for(R, 16, [&](std::int64_t r) {
    const auto label = labels_R[static_cast<std::size_t>(r)];
    float* row = scores_RC.row<float>(r);
    const auto best = std::max_element(row, row + C);
    const double largest = static_cast<double>(*best), own = static_cast<double>(row[label]);
    double sum = 0;
    for (std::int64_t j = 0; j < C; ++j) sum += std::exp(static_cast<double>(row[j]) - largest);
    losses[static_cast<std::size_t>(r)] = std::log(sum) + largest - own;
    hits[static_cast<std::size_t>(r)] = best - row == label;
    for (std::int64_t j = 0; j < C; ++j) {
      const double probability = std::exp(static_cast<double>(row[j]) - largest) / sum;
      row[j] = static_cast<float>(weight * (probability - (j == label ? 1 : 0)));
    }
  });
  CrossEntropy result;
  for (const double loss : losses) result.sum += loss;
  for (const char hit : hits) result.hits += hit;
  return result;
}

}  // namespace e5v::train

// Legend: R rows, C columns.
#include "train/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/parallel.h"

namespace e5v::train {

namespace {

/// The results of all rows, in their order.
struct Rows {
  std::vector<double> losses;
  std::vector<char> hits;

  explicit Rows(std::int64_t count) : losses(static_cast<std::size_t>(count)), hits(losses.size()) {}
  void set(std::int64_t row, double loss, bool hit) {
    losses[static_cast<std::size_t>(row)] = loss;
    hits[static_cast<std::size_t>(row)] = hit;
  }
  CrossEntropy sum() const {
    CrossEntropy result;
    for (const double loss : losses) result.sum += loss;
    for (const char hit : hits) result.hits += hit;
    return result;
  }
};

/// The logarithm of the sum of exp(score).
double log_sum(std::span<const float> scores, double largest) {
  double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score) - largest);
  return std::log(sum) + largest;
}

}  // namespace

CrossEntropy through_cross_entropy(tensor::Matrix scores_RC, std::span<const std::int32_t> labels_R, double weight) {
  const std::int64_t R = scores_RC.rows, C = scores_RC.columns;
  require(static_cast<std::int64_t>(labels_R.size()) == R, "[cross_entropy] {} labels for {} rows", labels_R.size(), R);
  for (const std::int32_t label : labels_R) {
    require(label >= 0 && label < C, "[cross_entropy] label {} of {} columns", label, C);
  }
  Rows rows(R);
  parallel_for(R, 16, [&](std::int64_t r) {
    const auto label = labels_R[static_cast<std::size_t>(r)];
    float* row = scores_RC.row<float>(r);
    const auto best = std::max_element(row, row + C);
    const double whole = log_sum({row, static_cast<std::size_t>(C)}, static_cast<double>(*best));
    rows.set(r, whole - static_cast<double>(row[label]), best - row == label);
    for (std::int64_t j = 0; j < C; ++j) {
      row[j] = static_cast<float>(weight * (std::exp(static_cast<double>(row[j]) - whole) - (j == label ? 1 : 0)));
    }
  });
  return rows.sum();
}

CrossEntropy through_group_cross_entropy(tensor::Matrix scores_RC, std::span<const std::int32_t> groups_C,
                                         double weight) {
  const std::int64_t R = scores_RC.rows, C = scores_RC.columns;
  require(static_cast<std::int64_t>(groups_C.size()) == C && R <= C, "[cross_entropy] {} groups for [{}, {}]",
          groups_C.size(), R, C);
  Rows rows(R);
  parallel_for(R, 16, [&](std::int64_t r) {
    const std::int32_t own = groups_C[static_cast<std::size_t>(r)];
    float* row = scores_RC.row<float>(r);
    row[r] = -std::numeric_limits<float>::infinity();
    const auto is_label = [&](std::int64_t j) {
      return j != r && own >= 0 && groups_C[static_cast<std::size_t>(j)] == own;
    };
    const auto best = std::max_element(row, row + C);
    const double whole = log_sum({row, static_cast<std::size_t>(C)}, static_cast<double>(*best));
    double labels = 0, scores = 0;
    for (std::int64_t j = 0; j < C; ++j) {
      if (is_label(j)) ++labels, scores += static_cast<double>(row[j]);
    }
    require(labels > 0, "[cross_entropy] row {} has no other of its group", r);
    rows.set(r, whole - scores / labels, is_label(best - row));
    for (std::int64_t j = 0; j < C; ++j) {
      const double target = is_label(j) ? 1 / labels : 0;
      row[j] = static_cast<float>(weight * (std::exp(static_cast<double>(row[j]) - whole) - target));
    }
  });
  return rows.sum();
}

}  // namespace e5v::train

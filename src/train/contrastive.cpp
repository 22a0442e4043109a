// Legend: B pairs, D width, C candidates (B positives and, if there are any, B negatives), E anchors and candidates.
#include "train/contrastive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/rows.h"
#include "train/cross_entropy.h"

namespace e5v::train {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;

void check(const PairEmbeddings& batch) {
  const ConstMatrix& anchors = batch.anchors_BD;
  require(anchors.rows > 0, "[contrastive] a batch needs at least one pair");
  const auto fits = [&](const ConstMatrix& other) {
    return other.rows == anchors.rows && other.columns == anchors.columns;
  };
  require(fits(batch.positives_BD) && (batch.negatives_BD.rows == 0 || fits(batch.negatives_BD)),
          "[contrastive] {} anchors with {} positives and {} negatives", anchors.rows, batch.positives_BD.rows,
          batch.negatives_BD.rows);
  const auto groups = static_cast<std::int64_t>(batch.groups_B.size());
  require(groups == 0 || groups == anchors.rows, "[contrastive] {} groups for {} anchors", groups, anchors.rows);
}

std::int64_t candidates_of(const PairEmbeddings& batch) { return batch.positives_BD.rows + batch.negatives_BD.rows; }

/// A row for each anchor, positive and negative, in this order.
struct Stacked {
  Matrix all_ED;
  std::int64_t pairs;

  Stacked(const PairEmbeddings& batch, tensor::Arena& arena)
      : all_ED(arena.matrix(DType::f32, batch.anchors_BD.rows + candidates_of(batch), batch.anchors_BD.columns)),
        pairs(batch.anchors_BD.rows) {}

  Matrix anchors_BD() const { return all_ED.row_range(0, pairs); }
  Matrix positives_BD() const { return all_ED.row_range(pairs, pairs); }
  Matrix negatives_BD() const { return all_ED.row_range(2 * pairs, all_ED.rows - 2 * pairs); }
  Matrix candidates_CD() const { return all_ED.row_range(pairs, all_ED.rows - pairs); }
  /// The queries of the grouped loss: anchors and positives.
  Matrix pairs_ED() const { return all_ED.row_range(0, 2 * pairs); }
};

Stacked normalised(const PairEmbeddings& batch, tensor::Arena& arena) {
  const Stacked unit(batch, arena);
  ops::l2_normalize(batch.anchors_BD, unit.anchors_BD());
  ops::l2_normalize(batch.positives_BD, unit.positives_BD());
  if (batch.negatives_BD.rows > 0) ops::l2_normalize(batch.negatives_BD, unit.negatives_BD());
  return unit;
}

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// In columns [0, B), sets the logits of other pairs of an anchor's group to -infinity. The diagonal stays.
void leave_out_groups(std::span<const std::int32_t> groups_B, Matrix logits_BC) {
  if (groups_B.empty()) return;
  parallel_for(logits_BC.rows, 16, [&](std::int64_t i) {
    float* row = logits_BC.row<float>(i);
    for (std::size_t j = 0; j < groups_B.size(); ++j) {
      const bool other = j != static_cast<std::size_t>(i);
      if (other && groups_B[j] == groups_B[static_cast<std::size_t>(i)]) row[j] = kNever;
    }
  });
}

/// Replaces logits by the gradient of share * (mean cross-entropy) with respect to them.
ContrastiveLoss through_mean(std::span<const std::int32_t> groups_B, double share, Matrix logits_BC) {
  leave_out_groups(groups_B, logits_BC);
  std::vector<std::int32_t> own(static_cast<std::size_t>(logits_BC.rows));
  std::iota(own.begin(), own.end(), 0);
  const auto pairs = static_cast<double>(logits_BC.rows);
  const CrossEntropy result = through_cross_entropy(logits_BC, own, share / pairs);
  return {share * result.sum / pairs, share * static_cast<double>(result.hits) / pairs};
}

ContrastiveLoss sum(const ContrastiveLoss& a, const ContrastiveLoss& b) {
  return {a.loss + b.loss, a.accuracy + b.accuracy};
}

/// The backward pass of l2_normalize: dx = (g - n (n g)) / |x| for each row, with n = x / |x|.
void through_normalisation(ConstMatrix x_RD, ConstMatrix n_RD, ConstMatrix g_RD, Matrix dx_RD) {
  parallel_for(x_RD.rows, 8, [&](std::int64_t i) {
    const float *x = x_RD.row<float>(i), *n = n_RD.row<float>(i), *g = g_RD.row<float>(i);
    double square = 0, along = 0;
    for (std::int64_t d = 0; d < x_RD.columns; ++d) {
      square += static_cast<double>(x[d]) * static_cast<double>(x[d]);
      along += static_cast<double>(n[d]) * static_cast<double>(g[d]);
    }
    const double length = std::max(std::sqrt(square), 1e-12);
    float* dx = dx_RD.row<float>(i);
    for (std::int64_t d = 0; d < x_RD.columns; ++d) {
      dx[d] = static_cast<float>((static_cast<double>(g[d]) - static_cast<double>(n[d]) * along) / length);
    }
  });
}

/// The loss. If `gradients` is given, the gradients with respect to the vectors of length 1 are added to it.
ContrastiveLoss one_way(const PairEmbeddings& batch, const Stacked& unit, const ContrastiveOptions& options,
                        const Stacked* gradients, tensor::Arena& arena) {
  const float scale = 1 / options.temperature;
  const Matrix logits_BC = arena.matrix(DType::f32, unit.pairs, unit.candidates_CD().rows);
  ops::multiply(unit.anchors_BD(), unit.candidates_CD(), scale, logits_BC, false);
  const ContrastiveLoss result = through_mean(batch.groups_B, options.symmetric ? 0.5 : 1, logits_BC);
  if (gradients != nullptr) {
    ops::multiply_backward(logits_BC, unit.candidates_CD(), scale, gradients->anchors_BD(), true);
    ops::weight_gradient(logits_BC, unit.anchors_BD(), scale, gradients->candidates_CD());
  }
  return result;
}

/// The second direction of the symmetric loss, from positives to anchors.
ContrastiveLoss other_way(const PairEmbeddings& batch, const Stacked& unit, const ContrastiveOptions& options,
                          const Stacked* gradients, tensor::Arena& arena) {
  const float scale = 1 / options.temperature;
  const Matrix logits_BB = arena.matrix(DType::f32, unit.pairs, unit.pairs);
  ops::multiply(unit.positives_BD(), unit.anchors_BD(), scale, logits_BB, false);
  const ContrastiveLoss result = through_mean(batch.groups_B, 0.5, logits_BB);
  if (gradients != nullptr) {
    ops::multiply_backward(logits_BB, unit.anchors_BD(), scale, gradients->positives_BD(), true);
    ops::weight_gradient(logits_BB, unit.positives_BD(), scale, gradients->anchors_BD());
  }
  return result;
}

/// The groups of anchors and positives. A hard negative belongs to no group.
std::vector<std::int32_t> groups_of(const PairEmbeddings& batch, const Stacked& unit) {
  const auto pairs = static_cast<std::size_t>(unit.pairs);
  std::vector<std::int32_t> groups(static_cast<std::size_t>(unit.all_ED.rows), -1);
  for (std::size_t i = 0; i < pairs; ++i) {
    groups[i] = groups[pairs + i] = batch.groups_B.empty() ? static_cast<std::int32_t>(i) : batch.groups_B[i];
  }
  return groups;
}

ContrastiveLoss in_groups(const PairEmbeddings& batch, const Stacked& unit, const ContrastiveOptions& options,
                          const Stacked* gradients, tensor::Arena& arena) {
  const float scale = 1 / options.temperature;
  const Matrix logits_EE = arena.matrix(DType::f32, unit.pairs_ED().rows, unit.all_ED.rows);
  ops::multiply(unit.pairs_ED(), unit.all_ED, scale, logits_EE, false);
  const auto rows = static_cast<double>(logits_EE.rows);
  const CrossEntropy result = through_group_cross_entropy(logits_EE, groups_of(batch, unit), 1 / rows);
  if (gradients != nullptr) {
    ops::multiply_backward(logits_EE, unit.all_ED, scale, gradients->pairs_ED(), true);
    ops::weight_gradient(logits_EE, unit.pairs_ED(), scale, gradients->all_ED);
  }
  return {result.sum / rows, static_cast<double>(result.hits) / rows};
}

ContrastiveLoss loss_of(const PairEmbeddings& batch, const Stacked& unit, const ContrastiveOptions& options,
                        const Stacked* gradients, tensor::Arena& arena) {
  if (options.grouped) return in_groups(batch, unit, options, gradients, arena);
  const ContrastiveLoss there = one_way(batch, unit, options, gradients, arena);
  return options.symmetric ? sum(there, other_way(batch, unit, options, gradients, arena)) : there;
}

}  // namespace

void contrastive_logits(const PairEmbeddings& batch, float temperature, Matrix logits, tensor::Arena& arena) {
  check(batch);
  const tensor::Arena::Scope scope(arena);
  const Stacked unit = normalised(batch, arena);
  ops::multiply(unit.anchors_BD(), unit.candidates_CD(), 1 / temperature, logits, false);
}

ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options, tensor::Arena& arena) {
  check(batch);
  const tensor::Arena::Scope scope(arena);
  return loss_of(batch, normalised(batch, arena), options, nullptr, arena);
}

ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options,
                                 const PairGradients& gradients, tensor::Arena& arena) {
  check(batch);
  const tensor::Arena::Scope scope(arena);
  const Stacked unit = normalised(batch, arena), through(batch, arena);
  ops::fill(through.all_ED, 0);
  const ContrastiveLoss result = loss_of(batch, unit, options, &through, arena);
  through_normalisation(batch.anchors_BD, unit.anchors_BD(), through.anchors_BD(), gradients.anchors_BD);
  through_normalisation(batch.positives_BD, unit.positives_BD(), through.positives_BD(), gradients.positives_BD);
  if (batch.negatives_BD.rows > 0) {
    through_normalisation(batch.negatives_BD, unit.negatives_BD(), through.negatives_BD(), gradients.negatives_BD);
  }
  return result;
}

}  // namespace e5v::train

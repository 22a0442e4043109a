// Legend: B pairs, D width, C candidates: B positives, and B negatives if there are any.
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

/// Vectors of length 1: the anchors, and all that they are compared with.
struct Normalised {
  Matrix anchors_BD, candidates_CD;

  Normalised(const PairEmbeddings& batch, tensor::Arena& arena)
      : anchors_BD(arena.matrix(DType::f32, batch.anchors_BD.rows, batch.anchors_BD.columns)),
        candidates_CD(arena.matrix(DType::f32, candidates_of(batch), batch.anchors_BD.columns)) {
    const std::int64_t B = batch.anchors_BD.rows;
    ops::l2_normalize(batch.anchors_BD, anchors_BD);
    ops::l2_normalize(batch.positives_BD, candidates_CD.row_range(0, B));
    if (batch.negatives_BD.rows > 0) ops::l2_normalize(batch.negatives_BD, candidates_CD.row_range(B, B));
  }

  ConstMatrix positives_BD() const { return candidates_CD.row_range(0, anchors_BD.rows); }
};

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// Where rows and columns [0, B) of a group meet, but for the diagonal, nothing is to be told apart.
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

/// Logits become the gradient of share * (mean cross-entropy) by them.
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

/// dx = (g - n (n g)) / |x| row by row, n = x / |x|: back through l2_normalize.
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

}  // namespace

void contrastive_logits(const PairEmbeddings& batch, float temperature, Matrix logits, tensor::Arena& arena) {
  check(batch);
  const tensor::Arena::Scope scope(arena);
  const Normalised unit(batch, arena);
  ops::multiply(unit.anchors_BD, unit.candidates_CD, 1 / temperature, logits, false);
}

ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options, tensor::Arena& arena) {
  check(batch);
  const tensor::Arena::Scope scope(arena);
  const std::int64_t B = batch.anchors_BD.rows;
  const double share = options.symmetric ? 0.5 : 1;
  const Normalised unit(batch, arena);
  const Matrix logits_BC = arena.matrix(DType::f32, B, candidates_of(batch));
  ops::multiply(unit.anchors_BD, unit.candidates_CD, 1 / options.temperature, logits_BC, false);
  const ContrastiveLoss result = through_mean(batch.groups_B, share, logits_BC);
  if (!options.symmetric) return result;
  const Matrix logits_BB = arena.matrix(DType::f32, B, B);
  ops::multiply(unit.positives_BD(), unit.anchors_BD, 1 / options.temperature, logits_BB, false);
  return sum(result, through_mean(batch.groups_B, share, logits_BB));
}

ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options,
                                 const PairGradients& gradients, tensor::Arena& arena) {
  check(batch);
  const tensor::Arena::Scope scope(arena);
  const std::int64_t B = batch.anchors_BD.rows, C = candidates_of(batch), D = batch.anchors_BD.columns;
  const float scale = 1 / options.temperature;
  const double share = options.symmetric ? 0.5 : 1;
  const Normalised unit(batch, arena);
  const Matrix logits_BC = arena.matrix(DType::f32, B, C);
  ops::multiply(unit.anchors_BD, unit.candidates_CD, scale, logits_BC, false);
  ContrastiveLoss result = through_mean(batch.groups_B, share, logits_BC);
  const Matrix danchors_BD = arena.matrix(DType::f32, B, D), dcandidates_CD = arena.matrix(DType::f32, C, D);
  ops::fill(dcandidates_CD, 0);
  ops::multiply_backward(logits_BC, unit.candidates_CD, scale, danchors_BD, false);
  ops::weight_gradient(logits_BC, unit.anchors_BD, scale, dcandidates_CD);
  if (options.symmetric) {
    const Matrix logits_BB = arena.matrix(DType::f32, B, B);
    ops::multiply(unit.positives_BD(), unit.anchors_BD, scale, logits_BB, false);
    result = sum(result, through_mean(batch.groups_B, share, logits_BB));
    ops::multiply_backward(logits_BB, unit.anchors_BD, scale, dcandidates_CD.row_range(0, B), true);
    ops::weight_gradient(logits_BB, unit.positives_BD(), scale, danchors_BD);
  }
  through_normalisation(batch.anchors_BD, unit.anchors_BD, danchors_BD, gradients.anchors_BD);
  through_normalisation(batch.positives_BD, unit.positives_BD(), dcandidates_CD.row_range(0, B),
                        gradients.positives_BD);
  if (batch.negatives_BD.rows > 0) {
    through_normalisation(batch.negatives_BD, unit.candidates_CD.row_range(B, B), dcandidates_CD.row_range(B, B),
                          gradients.negatives_BD);
  }
  return result;
}

}  // namespace e5v::train

#pragma once
#include <cstdint>
#include <span>

#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::train {

/// Embeddings of a batch as the model gives them, not normalised: row i of each belongs to pair i. All f32 [B, D];
/// negatives may have no rows.
struct PairEmbeddings {
  tensor::ConstMatrix anchors_BD, positives_BD, negatives_BD;
  /// Of each pair, from 0, or none: pairs of one group mean the same.
  std::span<const std::int32_t> groups_B{};
};

struct ContrastiveOptions {
  float temperature = 0.05f;
  bool symmetric = false;  ///< positives look for their anchors, too: the mean of both losses
  bool grouped = false;    ///< all of a group look for each other, instead
};

/// Where the gradients by them are written; shapes alike.
struct PairGradients {
  tensor::Matrix anchors_BD, positives_BD, negatives_BD;
};

struct ContrastiveLoss {
  double loss = 0;
  double accuracy = 0;  ///< share of the anchors that are nearest to their own positive
};

/// InfoNCE: the cross-entropy of finding pair i's positive among all positives and all hard negatives of the batch, by
/// cosine / temperature; the mean over the anchors.
/// An anchor is not told from the positives of other pairs of its group.
/// The symmetric loss is its mean with that of finding the anchors among all anchors, accuracy as well.
/// The grouped loss has anchors and positives find, among everything, the others of their group, their partner at
/// least, in equal parts; accuracy is the share whose nearest is one of them. Source: arXiv:2104.08821, eq. 5 (without
/// negatives eq. 1), the hard negatives weighted like the others; symmetric: arXiv:2103.00020, section 2.3; grouped:
/// arXiv:2004.11362, eq. 2.
ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options, tensor::Arena& arena);

/// The same with its gradients.
ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options,
                                 const PairGradients& gradients, tensor::Arena& arena);

/// The logits behind it: [B, B], or [B, 2 B] with negatives.
void contrastive_logits(const PairEmbeddings& batch, float temperature, tensor::Matrix logits, tensor::Arena& arena);

}  // namespace e5v::train

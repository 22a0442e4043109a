#pragma once
#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::train {

/// Embeddings of a batch as the model gives them, not normalised: row i of each belongs to pair i. All f32 [B, D];
/// negatives may have no rows.
struct PairEmbeddings {
  tensor::ConstMatrix anchors_BD, positives_BD, negatives_BD;
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
/// Source: arXiv:2104.08821, eq. 5 (without negatives eq. 1), the hard negatives weighted like the others.
ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, float temperature, tensor::Arena& arena);

/// The same with its gradients.
ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, float temperature, const PairGradients& gradients,
                                 tensor::Arena& arena);

/// The logits behind it: [B, B], or [B, 2 B] with negatives.
void contrastive_logits(const PairEmbeddings& batch, float temperature, tensor::Matrix logits, tensor::Arena& arena);

}  // namespace e5v::train

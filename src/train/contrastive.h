#pragma once
#include <cstdint>
#include <span>

#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::train {

/// The embeddings of a batch as the model computes them, not normalised. Row i of each belongs to pair i. All are f32
/// [B, D]; negatives may have no rows.
struct PairEmbeddings {
  tensor::ConstMatrix anchors_BD, positives_BD, negatives_BD;
  /// The group of each pair, from 0, or nothing. The pairs of a group have the same meaning.
  std::span<const std::int32_t> groups_B{};
};

struct ContrastiveOptions {
  float temperature = 0.05f;
  bool symmetric = false;  ///< the mean of the losses in both directions
  bool grouped = false;    ///< the grouped loss, instead
};

/// The matrices that gradients are written to. They have the shapes of the embeddings.
struct PairGradients {
  tensor::Matrix anchors_BD, positives_BD, negatives_BD;
};

struct ContrastiveLoss {
  double loss = 0;
  double accuracy = 0;  ///< share of the anchors whose most similar candidate is their positive
};

/// InfoNCE: the cross-entropy of classifying pair i's positive among all positives and hard negatives of the batch,
/// with cosine / temperature as logits; the mean over the anchors. Positives of other pairs of the anchor's group are
/// not candidates.
/// The symmetric loss is the mean of this loss and of the loss from positives to anchors. So is the accuracy.
/// In the grouped loss, anchors and positives are queries among all rows. The labels of a query are the other rows of
/// its group (at least its partner), with equal weights. The accuracy is the share of queries with a label as the most
/// similar row.
/// Sources: arXiv:2104.08821, eq. 5 (without negatives eq. 1), with the hard negatives weighted like the others;
/// symmetric: arXiv:2103.00020, section 2.3; grouped: arXiv:2004.11362, eq. 2.
ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options, tensor::Arena& arena);

/// The same with its gradients.
ContrastiveLoss contrastive_loss(const PairEmbeddings& batch, const ContrastiveOptions& options,
                                 const PairGradients& gradients, tensor::Arena& arena);

/// The logits of the loss: [B, B], or [B, 2 B] with negatives.
void contrastive_logits(const PairEmbeddings& batch, float temperature, tensor::Matrix logits, tensor::Arena& arena);

}  // namespace e5v::train

#pragma once
#include <functional>
#include <span>

#include "model/llama.h"
#include "nn/dropout.h"
#include "tensor/arena.h"
#include "train/adapters.h"
#include "train/contrastive.h"
#include "train/pack.h"

namespace e5v::train {

/// The texts of a contrastive batch: pair i is anchors[i] with positives[i] and, unless there are none, negatives[i].
struct PairBatch {
  std::vector<TokenSequence> anchors, positives, negatives;

  std::int64_t pairs() const { return static_cast<std::int64_t>(anchors.size()); }
  std::int64_t tokens() const;
};

/// Loss and exact gradients of a contrastive batch of any size in the memory of a part of it: all texts are embedded
/// part by part without gradients, the loss gives the gradient by each embedding, and each part is computed again to
/// carry its share back. A batch that is one part is computed once. Source: arXiv:2101.06983 (GradCache).
class GradCache {
 public:
  struct Options {
    std::int64_t micro_batch = 8;  ///< pairs of a part
    float temperature = 0.05f;
  };

  GradCache(const model::Llama& model, const TrainableLora& lora, const Options& options)
      : model_(model), lora_(lora), options_(options) {}

  /// Adds the gradients of the batch's mean loss to those of the adapters. dropout may be null.
  ContrastiveLoss accumulate(const PairBatch& batch, const nn::Dropout* dropout);

  /// The loss alone, without dropout.
  ContrastiveLoss evaluate(const PairBatch& batch);

  /// Last hidden states of the sequences, in their order. y_SD f32.
  void embed(std::span<const TokenSequence> sequences, tensor::Matrix y_SD, const nn::Dropout* dropout);

 private:
  struct Part;
  const model::Llama& model_;
  const TrainableLora& lora_;
  Options options_;
  tensor::Arena batch_arena_, arena_, gradient_arena_;
};

}  // namespace e5v::train

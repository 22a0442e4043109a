#pragma once
#include <functional>
#include <span>

#include "nn/dropout.h"
#include "processes/group.h"
#include "tensor/arena.h"
#include "train/contrastive.h"
#include "train/pack.h"
#include "train/trainee.h"

namespace e5v::train {

/// The texts of a contrastive batch: pair i is anchors[i] with positives[i] and, unless there are none, negatives[i].
/// In a group of processes each holds share_of(total, its process).
struct PairBatch {
  std::vector<TokenSequence> anchors, positives, negatives;
  std::int64_t total = 0;      ///< pairs of all processes
  bool has_negatives = false;  ///< in any of them
  /// Of all pairs of all processes, or none: pairs of one group are not each other's negatives.
  std::vector<std::int32_t> groups{};

  std::int64_t pairs() const { return static_cast<std::int64_t>(anchors.size()); }
  std::int64_t tokens() const;
};

/// Which of `total` things a process takes: [from, from + count).
struct Share {
  std::int64_t from = 0, count = 0;
};
Share share_of(std::int64_t total, int process, int processes);

/// Loss and exact gradients of a contrastive batch of any size in the memory of a part of it: all texts are embedded
/// part by part without gradients, the loss gives the gradient by each embedding, and each part is computed again to
/// carry its share back. A batch that is one part is computed once. Source: arXiv:2101.06983 (GradCache).
class GradCache {
 public:
  struct Options {
    std::int64_t micro_batch = 8;  ///< pairs of a part
    ContrastiveOptions loss{};
  };

  /// The group must outlive this.
  GradCache(const Trainee& model, const Options& options, const processes::Group& group)
      : model_(model), options_(options), group_(group), arena_(model.place()), gradient_arena_(model.place()) {}

  /// Adds the gradients of the batch's mean loss to those of the model's parameters: those of its own pairs, so that
  /// the sum over the group is the whole. Collective; the loss is that of all pairs. dropout may be null. check_stop is
  /// asked before each part; what it throws ends the call, and the gradients are then those of some parts.
  ContrastiveLoss accumulate(const PairBatch& batch, const nn::Dropout* dropout,
                             const std::function<void()>& check_stop = nullptr);

  /// The loss alone, without dropout. Collective.
  ContrastiveLoss evaluate(const PairBatch& batch);

  /// Last hidden states of the sequences, in their order. y_SD f32.
  void embed(std::span<const TokenSequence> sequences, tensor::Matrix y_SD, const nn::Dropout* dropout);

 private:
  struct Embeddings;
  /// Whether every process's share is a part, the last one's, which is the largest, too: each text is then embedded
  /// once.
  bool fits_one_part(std::int64_t total) const;
  /// Every process's rows, from part to part, and then all processes'.
  void embed_share(const PairBatch& batch, const Share& share, const nn::Dropout* dropout, const Embeddings& embeddings,
                   const std::function<void()>& check_stop);
  void exchange(const Embeddings& embeddings) const;

  const Trainee& model_;
  Options options_;
  const processes::Group& group_;
  tensor::Arena batch_arena_;             // embeddings of a batch, and the loss: on the host
  tensor::Arena arena_, gradient_arena_;  // where the model is
};

}  // namespace e5v::train

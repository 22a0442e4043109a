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

/// The texts of a contrastive batch. Pair i is anchors[i] with positives[i] and, if there are any, negatives[i]. Each
/// process of a group holds share_of(total, its process).
struct PairBatch {
  std::vector<TokenSequence> anchors, positives, negatives;
  std::int64_t total = 0;      ///< pairs of all processes
  bool has_negatives = false;  ///< in any process
  /// The groups of all pairs of all processes, or nothing. The pairs of a group are not negatives of each other.
  std::vector<std::int32_t> groups{};

  std::int64_t pairs() const { return static_cast<std::int64_t>(anchors.size()); }
  std::int64_t tokens() const;
};

/// The part of `total` items that a process takes: [from, from + count).
struct Share {
  std::int64_t from = 0, count = 0;
};
Share share_of(std::int64_t total, int process, int processes);

/// The loss and the exact gradients of a contrastive batch of any size, in the memory of a part of it. All texts are
/// embedded in parts without gradients, the loss gives the gradient with respect to each embedding, and each part is
/// computed again for its backward pass. A batch that is one part is computed once. Source: arXiv:2101.06983
/// (GradCache).
class GradCache {
 public:
  struct Options {
    std::int64_t micro_batch = 8;  ///< pairs per part
    ContrastiveOptions loss{};
  };

  /// The group must outlive this.
  GradCache(const Trainee& model, const Options& options, const processes::Group& group)
      : model_(model), options_(options), group_(group), arena_(model.place()), gradient_arena_(model.place()) {}

  /// Adds to the gradients of the model's parameters the gradients of the batch's mean loss with respect to this
  /// process's pairs. Their sum over the group is the whole gradient. The returned loss is that of all pairs. dropout
  /// may be null. check_stop is called before each part. An exception of it ends the call; the gradients then hold some
  /// of the parts. Collective.
  ContrastiveLoss accumulate(const PairBatch& batch, const nn::Dropout* dropout,
                             const std::function<void()>& check_stop = nullptr);

  /// The loss alone, without dropout. Collective.
  ContrastiveLoss evaluate(const PairBatch& batch);

  /// The last hidden states of the sequences, in their order. y_SD f32.
  void embed(std::span<const TokenSequence> sequences, tensor::Matrix y_SD, const nn::Dropout* dropout);

 private:
  struct Embeddings;
  /// Whether the share of every process is one part, so that each text is embedded once. The last process has the
  /// largest.
  bool fits_one_part(std::int64_t total) const;
  /// Embeds the texts of this process's share in parts, and then gives the rows of every process to all processes.
  void embed_share(const PairBatch& batch, const Share& share, const nn::Dropout* dropout, const Embeddings& embeddings,
                   const std::function<void()>& check_stop);
  void exchange(const Embeddings& embeddings) const;

  const Trainee& model_;
  Options options_;
  const processes::Group& group_;
  tensor::Arena batch_arena_;             // embeddings of a batch and the loss, on the host
  tensor::Arena arena_, gradient_arena_;  // in the model's memory
};

}  // namespace e5v::train

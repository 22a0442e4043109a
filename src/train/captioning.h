#pragma once
#include <functional>
#include <span>

#include "nn/dropout.h"
#include "processes/group.h"
#include "tensor/arena.h"
#include "train/pack.h"
#include "train/trainee.h"

namespace e5v::train {

struct CaptionLoss {
  double loss = 0;      ///< mean cross-entropy over the labels, in nats
  double accuracy = 0;  ///< share of the labels with the highest score
};

/// Next-token prediction. The loss is the mean over all labels of a batch, which is computed in parts. Source:
/// arXiv:2304.08485, eq. 3 (visual instruction tuning).
class Captioning {
 public:
  /// The group must outlive this.
  Captioning(const Trainee& model, std::int64_t micro_batch, const processes::Group& group)
      : model_(model),
        micro_batch_(micro_batch),
        group_(group),
        arena_(model.place()),
        gradient_arena_(model.place()) {}

  /// Adds to the gradients of the model's parameters the gradients of the batch's loss with respect to this process's
  /// sequences. Their sum over the group is the whole gradient. The returned loss is that of all labels. dropout may be
  /// null. check_stop is called before each part. An exception of it ends the call; the gradients then hold some of the
  /// parts. Collective.
  CaptionLoss accumulate(std::span<const TokenSequence> batch, const nn::Dropout* dropout,
                         const std::function<void()>& check_stop = nullptr);
  /// The loss alone, without dropout. Collective.
  CaptionLoss evaluate(std::span<const TokenSequence> batch);

 private:
  CaptionLoss run(std::span<const TokenSequence> batch, const nn::Dropout* dropout, bool gradients,
                  const std::function<void()>& check_stop);

  const Trainee& model_;
  std::int64_t micro_batch_;
  const processes::Group& group_;
  tensor::Arena arena_, gradient_arena_;  // in the model's memory
  tensor::Arena scores_arena_;            // on the host
};

}  // namespace e5v::train

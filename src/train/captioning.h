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
  double loss = 0;      ///< mean cross-entropy of a label, in nats
  double accuracy = 0;  ///< share of the labels that score highest
};

/// Next-token prediction: the mean over all labels of a batch, computed part by part.
/// Source: arXiv:2304.08485, eq. 3 (visual instruction tuning).
class Captioning {
 public:
  /// The group must outlive this.
  Captioning(const Trainee& model, std::int64_t micro_batch, const processes::Group& group)
      : model_(model),
        micro_batch_(micro_batch),
        group_(group),
        arena_(model.place()),
        gradient_arena_(model.place()) {}

  /// Adds the gradients of the batch's loss to those of the model's parameters: those of its own sequences, so that the
  /// sum over the group is the whole. Collective; the loss is that of all labels. dropout may be null. check_stop is
  /// asked before each part; what it throws ends the call, and the gradients are then those of some parts.
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
  tensor::Arena arena_, gradient_arena_;  // where the model is
  tensor::Arena scores_arena_;            // on the host
};

}  // namespace e5v::train

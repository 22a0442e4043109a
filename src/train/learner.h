#pragma once
#include <functional>
#include <span>
#include <vector>

#include "processes/group.h"
#include "train/captioning.h"
#include "train/grad_cache.h"
#include "train/optimizer.h"
#include "train/parameter.h"
#include "train/train_options.h"

namespace e5v::train {

/// What a batch came to.
struct BatchLoss {
  double loss = 0, accuracy = 0;
};

/// A model, its objectives and its optimizer: what a step of training computes, whatever the objective of its batch.
class Learner {
 public:
  /// All must outlive this.
  Learner(Trainee& model, const TrainOptions& options, const processes::Group& group);

  /// Parameters to be trained, one by one.
  std::int64_t trained() const;
  Optimizer& optimizer() { return optimizer_; }
  const Optimizer& optimizer() const { return optimizer_; }

  /// Takes the gradients of a batch, summed over the group and clipped; step names its random numbers. Collective.
  struct Gradients : BatchLoss {
    double norm = 0;  ///< before clipping
  };
  /// check_stop is asked between parts of the batch; what it throws leaves the parameters as they were.
  Gradients take_gradients(const StepBatch& batch, std::int64_t step, const std::function<void()>& check_stop);
  /// Moves the parameters by them. Collective.
  void update(double learning_rate);

  /// The mean over batches, weighted by their sizes, without dropout. Collective.
  BatchLoss evaluate(std::span<const StepBatch> batches);

 private:
  Trainee& model_;
  const TrainOptions& options_;
  const processes::Group& group_;
  std::vector<TrainedSpan> parameters_;
  Optimizer optimizer_;
  GradCache contrastive_;
  Captioning captioning_;
};

}  // namespace e5v::train

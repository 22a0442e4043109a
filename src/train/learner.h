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

/// The loss of a batch.
struct BatchLoss {
  double loss = 0, accuracy = 0;
};

/// A model, its objectives and its optimizer: the computation of a training step, whatever the objective of its batch.
class Learner {
 public:
  /// All arguments must outlive this object.
  Learner(Trainee& model, const TrainOptions& options, const processes::Group& group);

  /// The number of trained parameters.
  std::int64_t trained() const;
  Optimizer& optimizer() { return optimizer_; }
  const Optimizer& optimizer() const { return optimizer_; }

  /// Computes the gradients of a batch, summed over the group and clipped. Random numbers depend on `step`. Collective.
  struct Gradients : BatchLoss {
    double norm = 0;  ///< before clipping
  };
  /// check_stop is called between the parts of a batch. An exception of it leaves the parameters unchanged.
  Gradients take_gradients(const StepBatch& batch, std::int64_t step, const std::function<void()>& check_stop);
  /// Updates the parameters. Collective.
  void update(double learning_rate);

  /// The mean over the batches, weighted by their sizes, without dropout. Collective.
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

#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ops/optimizer.h"
#include "processes/group.h"
#include "tensor/arena.h"
#include "tensor/tensor.h"

namespace e5v::train {

/// A tensor that is trained: its values and their gradient, of equal length.
struct TrainedSpan {
  std::span<float> values;
  std::span<float> gradient;
  tensor::Place place = tensor::Place::host;  ///< of both
  std::int64_t rows = 0;                      ///< of a matrix inside the network, for Muon; 0: any other tensor
};

/// Scales all gradients so that their norm as one vector is at most max_norm: by max_norm / (norm + 1e-6) if that is
/// less than 1. Sums are in double; their order does not depend on the number of threads. Returns the norm before
/// scaling. If it is not finite, the scaled gradients are not finite either. Throws InvalidInput unless max_norm > 0.
/// Source: torch.nn.utils.clip_grad_norm_.
double clip_gradients(std::span<const TrainedSpan> tensors, double max_norm);

struct OptimizerOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  /// Trains matrices inside the network with Muon and all other tensors with AdamW. Otherwise AdamW trains everything.
  bool muon = false;
};

/// The state of the optimizer between steps, which can be saved and restored.
struct OptimizerState {
  std::int64_t step = 0;                         ///< steps done
  std::vector<std::vector<float>> mean, square;  ///< moving averages of each tensor's gradient and of its square; under
                                                 ///< Muon the momentum, and no squares
};

/// AdamW with bias correction in float32, as PyTorch computes it (ops::adamw), and muon_step for the matrices that Muon
/// trains.
class Optimizer {
 public:
  /// Tensors have the lengths, rows and place of `tensors`, in the order in which step() gets them. Throws InvalidInput
  /// unless both betas are in [0, 1), epsilon >= 0, weight_decay >= 0 and all tensors are in one place.
  Optimizer(std::span<const TrainedSpan> tensors, const OptimizerOptions& options);

  /// One step over all tensors, which must not overlap. All processes of the group have the same tensors and share the
  /// work of Muon. Throws InvalidInput when number, lengths or place differ from those in the constructor. Collective.
  void step(std::span<const TrainedSpan> tensors, double learning_rate, const processes::Group& group = {});

  const OptimizerState& state() const;
  /// Continues from the state of another run. Throws InvalidInput when the lengths differ or the step is negative.
  void restore(OptimizerState state);

 private:
  void step_by_muon(std::span<const TrainedSpan> tensors, double learning_rate, const processes::Group& group);
  bool is_muon(const TrainedSpan& tensor) const { return options_.muon && tensor.rows > 0; }
  void step_by_adamw(std::span<const TrainedSpan> tensors, double learning_rate);
  /// The averages of a tensor in their own memory.
  std::span<float> mean(std::size_t tensor) {
    return mean_.empty() ? std::span(state_.mean[tensor]) : mean_[tensor].as<float>();
  }
  std::span<float> square(std::size_t tensor) {
    return square_.empty() ? std::span(state_.square[tensor]) : square_[tensor].as<float>();
  }

  OptimizerOptions options_;
  tensor::Place place_;
  tensor::Arena arena_;                        // for Muon's temporaries
  mutable OptimizerState state_;               // with a device, the averages are copies for callers
  std::vector<tensor::Tensor> mean_, square_;  // on the device, if there is one
};

}  // namespace e5v::train

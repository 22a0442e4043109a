#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "ops/optimizer.h"
#include "tensor/tensor.h"

namespace e5v::train {

/// A tensor that is trained: its values and their gradient, of one length.
struct TrainedSpan {
  std::span<float> values;
  std::span<float> gradient;
  tensor::Place place = tensor::Place::host;  ///< of both
};

/// Scales all gradients so that their norm as one vector is at most max_norm: by max_norm / (norm + 1e-6), if that is
/// less than 1. Sums are in double, in an order that does not depend on the number of threads. Returns the norm before.
/// When that is not finite, neither are the gradients after it. Throws InvalidInput unless max_norm > 0. Source:
/// torch.nn.utils.clip_grad_norm_.
double clip_gradients(std::span<const TrainedSpan> tensors, double max_norm);

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// What AdamW remembers between steps, to save and to go on with.
struct AdamWState {
  std::int64_t step = 0;                         ///< steps made
  std::vector<std::vector<float>> mean, square;  ///< moving averages of each tensor's gradient and of its square
};

/// AdamW with bias correction, in float32 as PyTorch computes it.
/// Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2; torch.optim.AdamW.
class AdamW {
 public:
  /// `sizes`: lengths of the tensors, in the order in which step() gets them. Throws InvalidInput unless both betas are
  /// in [0, 1), epsilon >= 0 and weight_decay >= 0.
  AdamW(std::span<const std::int64_t> sizes, const AdamWOptions& options, tensor::Place place = tensor::Place::host);

  /// One step over all tensors, which are not to overlap and lie where the averages do. Throws InvalidInput when their
  /// number or lengths differ from `sizes`.
  void step(std::span<const TrainedSpan> tensors, double learning_rate);

  const AdamWState& state() const;
  /// Goes on where another run was. Throws InvalidInput when the lengths differ from `sizes` or a step is negative.
  void restore(AdamWState state);

 private:
  void step_on_device(std::span<const TrainedSpan> tensors, const ops::AdamWFactors& factors);

  AdamWOptions options_;
  mutable AdamWState state_;                   // with a device, its averages are copies for those who ask
  std::vector<tensor::Tensor> mean_, square_;  // on the device, if there is one
};

}  // namespace e5v::train

#pragma once
#include <string_view>

#include "model/checkpoint.h"
#include "model/config.h"
#include "nn/linear.h"

namespace e5v::model {

/// Maps the vision tower's features to the language model: Linear, activation, Linear. Source: arXiv:2310.03744,
/// section 3.2.
class Projector {
 public:
  /// Throws ModelError for missing tensors and for shapes that contradict the config.
  Projector(const Checkpoint& checkpoint, const ModelConfig& config, nn::Precision precision);

  /// x_RV f32 [R, V], with V the tower's width; y_RD f32 [R, D], with D the language model's width.
  void forward(tensor::ConstMatrix x_RV, tensor::Matrix y_RD, const nn::Pass& pass) const;

  /// Adds an adapter to "linear_1" or "linear_2". Borrowed. Throws InvalidInput for other names and for shapes that do
  /// not fit.
  void attach(std::string_view matrix, const nn::Lora& adapter);

  std::int64_t owned_bytes() const { return first_.owned_bytes() + second_.owned_bytes(); }

 private:
  Activation activation_;
  nn::Linear first_, second_;
};

}  // namespace e5v::model

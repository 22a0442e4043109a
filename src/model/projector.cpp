#include "model/projector.h"

#include "model/activation.h"
#include "ops/rows.h"

namespace e5v::model {
namespace {

nn::Linear projector_layer(const Checkpoint& checkpoint, const char* name, const ModelConfig& config,
                           std::int64_t inputs, nn::Precision precision) {
  const std::int64_t outputs = config.text.width;
  const tensor::StoredMatrix weight = checkpoint.matrix(fmt::format("projector.{}.weight", name), outputs, inputs);
  if (!config.projector_bias) return nn::Linear({weight}, precision);
  return nn::Linear({weight}, {checkpoint.tensor(fmt::format("projector.{}.bias", name), {outputs})}, precision);
}

}  // namespace

Projector::Projector(const Checkpoint& checkpoint, const ModelConfig& config, nn::Precision precision)
    : activation_(config.projector_activation),
      first_(projector_layer(checkpoint, "linear_1", config, config.vision.value().width, precision)),
      second_(projector_layer(checkpoint, "linear_2", config, config.text.width, precision)) {}

void Projector::forward(tensor::ConstMatrix x_RV, tensor::Matrix y_RD, tensor::Arena& arena) const {
  const tensor::Arena::Scope scope(arena);
  tensor::ConstMatrix input = x_RV;
  if (first_.input_type() != x_RV.dtype) {
    const tensor::Matrix rounded = arena.matrix(first_.input_type(), x_RV.rows, x_RV.columns);
    ops::convert(x_RV, rounded);
    input = rounded;
  }
  const tensor::Matrix wide = arena.matrix(tensor::DType::f32, x_RV.rows, first_.outputs());
  const tensor::Matrix inner = arena.matrix(second_.input_type(), x_RV.rows, first_.outputs());
  first_.forward(arena, input, wide);
  activate(activation_, wide, inner);
  second_.forward(arena, inner, y_RD);
}

}  // namespace e5v::model

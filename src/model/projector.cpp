#include "model/projector.h"

#include "model/activation.h"

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

void Projector::attach(std::string_view matrix, const nn::Lora& adapter) {
  const bool first = matrix == "linear_1";
  require(first || matrix == "linear_2", "[projector] there is no matrix {} to adapt", matrix);
  (first ? first_ : second_).attach(0, &adapter);
}

void Projector::forward(tensor::ConstMatrix x_RV, tensor::Matrix y_RD, const nn::Pass& pass) const {
  const nn::Pass::Scope scope(pass);
  const tensor::Matrix wide = first_.forward(pass, nn::converted(pass, x_RV, first_.input_type()));
  second_.forward(pass, activate(pass, activation_, wide, second_), y_RD);
}

}  // namespace e5v::model

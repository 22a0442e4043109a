#include "model/activation.h"

namespace e5v::model {

void activate(const nn::Pass& pass, Activation activation, tensor::ConstMatrix x, tensor::Matrix y) {
  switch (activation) {
    case Activation::quick_gelu: return nn::quick_gelu(pass, x, y);
    case Activation::gelu: return nn::gelu(pass, x, y);
    case Activation::gelu_tanh: return nn::gelu_tanh(pass, x, y);
  }
}

tensor::Matrix activate(const nn::Pass& pass, Activation activation, tensor::ConstMatrix x, const nn::Linear& reader) {
  const tensor::Matrix y = pass.matrix(reader.input_type(), x.rows, x.columns);
  activate(pass, activation, x, y);
  return y;
}

}  // namespace e5v::model

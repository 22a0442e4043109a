#include "model/activation.h"

#include "ops/activation.h"

namespace e5v::model {

void activate(Activation activation, tensor::ConstMatrix x, tensor::Matrix y) {
  switch (activation) {
    case Activation::quick_gelu: return ops::quick_gelu(x, y);
    case Activation::gelu: return ops::gelu(x, y);
    case Activation::gelu_tanh: return ops::gelu_tanh(x, y);
  }
}

}  // namespace e5v::model

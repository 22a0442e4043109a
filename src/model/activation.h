#pragma once
#include "model/config.h"
#include "tensor/matrix.h"

namespace e5v::model {

/// y = activation(x); see ops/activation.h for shapes and types.
void activate(Activation activation, tensor::ConstMatrix x, tensor::Matrix y);

}  // namespace e5v::model

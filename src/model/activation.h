#pragma once
#include "model/config.h"
#include "nn/functions.h"

namespace e5v::model {

/// y = activation(x); see ops/activation.h for shapes and types.
void activate(const nn::Pass& pass, Activation activation, tensor::ConstMatrix x, tensor::Matrix y);
/// y in the type that the reader takes.
tensor::Matrix activate(const nn::Pass& pass, Activation activation, tensor::ConstMatrix x, const nn::Linear& reader);

}  // namespace e5v::model

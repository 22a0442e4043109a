#pragma once
#include "model/config.h"
#include "nn/functions.h"

namespace e5v::model {

/// Computes y = activation(x); see ops/activation.h for shapes and types.
void activate(const nn::Pass& pass, Activation activation, tensor::ConstMatrix x, tensor::Matrix y);
/// The result in the type that its reader takes.
tensor::Matrix activate(const nn::Pass& pass, Activation activation, tensor::ConstMatrix x, const nn::Linear& reader);

}  // namespace e5v::model

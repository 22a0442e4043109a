#pragma once
#include <functional>

#include "nn/pass.h"

namespace e5v::nn {

/// A part of a model that turns x into y: it may overwrite x, and y may be x.
using Part = std::function<void(tensor::Matrix x, tensor::Matrix y, const Pass& pass)>;

/// Runs the part. With a tape, only its input is kept: the backward pass runs it once more, on a tape of its own, and
/// rewinds that, unless the pass keeps activations. So memory holds the activations of one part at a time. x and y are
/// watched by the tape and f32; x keeps its contents only if the part leaves it alone. Source: arXiv:1604.06174.
void repeatable(const Pass& pass, tensor::Matrix x, tensor::Matrix y, Part part);

}  // namespace e5v::nn

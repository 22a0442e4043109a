#pragma once
#include <functional>

#include "nn/pass.h"

namespace e5v::nn {

/// A part of a model that computes y from x. It may overwrite x, and y may be x.
using Part = std::function<void(tensor::Matrix x, tensor::Matrix y, const Pass& pass)>;

/// Runs the part. With a tape, only its input is kept: the backward pass runs the part again, on its own tape, and
/// rewinds that. So memory holds the activations of one part at a time. If the pass keeps activations, the part is not
/// run again. x and y are f32, and the tape watches them; x keeps its contents only if the part does not change it.
/// Source: arXiv:1604.06174.
void repeatable(const Pass& pass, tensor::Matrix x, tensor::Matrix y, Part part);

}  // namespace e5v::nn

#pragma once
#include <string_view>

#include "ops/matmul.h"
#include "tensor/dtype.h"

namespace e5v::nn {

/// How exactly a model is computed. The residual stream, norms, attention and all sums are f32 in both.
enum class Precision {
  f32,   ///< weights as stored, f32 activations: the reference's own numbers
  bf16,  ///< 16-bit weights; bf16 activations into the GEMMs where the CPU multiplies bf16 in hardware, f32 elsewhere
};

std::string_view name_of(Precision precision);

/// What the GEMMs of this machine do under a precision. Without bf16 instructions, f32 arithmetic over 16-bit weights
/// is both faster and more exact than emulating them.
ops::Arithmetic arithmetic_for(Precision precision);

/// The precision that suits weights stored as `stored`: f32 for f32, bf16 for 16-bit types.
Precision default_precision(tensor::DType stored);

}  // namespace e5v::nn

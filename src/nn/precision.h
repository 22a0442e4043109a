#pragma once
#include <string_view>

#include "ops/matmul.h"
#include "tensor/dtype.h"
#include "tensor/stored_matrix.h"

namespace e5v::nn {

/// How exactly a model is computed. The residual stream, norms and all sums are f32.
enum class Precision {
  f32,   ///< weights as stored, f32 activations: the reference's own numbers
  bf16,  ///< weights of at most 16 bits; where the CPU multiplies bf16 in hardware, bf16 activations into the GEMMs and
         ///< bf16 mixes of attention, f32 elsewhere
  int8,  ///< int8 weights with activations rounded to whole numbers, and int4 weights, where the CPU has 8-bit dot
         ///< products; the others as under bf16
  fp8,   ///< on a GPU: plain weights and activations rounded to 8-bit floats; the rest as under bf16
};

std::string_view name_of(Precision precision);

/// What the GEMMs of this machine do under a precision with weights of a format that lie at a place. On a CPU without
/// bf16 instructions, f32 arithmetic over 16-bit weights is both faster and more exact than emulating them.
ops::Arithmetic arithmetic_for(Precision precision, tensor::WeightFormat format,
                               tensor::Place place = tensor::Place::host);

/// The type that quantised weights are turned into under a precision where they are not multiplied as they are stored.
tensor::DType decoded_type(Precision precision);

/// Whether attention mixes values in bf16 under a precision: under all but f32, where there are instructions for it.
bool bf16_attention(Precision precision, tensor::Place place = tensor::Place::host);

/// The precision that suits weights of which most are stored in the format, or plainly as `stored`: f32 for f32, bf16
/// for 16-bit types and nf4, int8 for int8 and, where the CPU has 8-bit dot products, int4; else bf16. Of int8 weights
/// that are not to meet rounded inputs, bf16.
Precision default_precision(tensor::DType stored, tensor::WeightFormat format,
                            tensor::Place place = tensor::Place::host, bool rounds_inputs = true);

}  // namespace e5v::nn

#pragma once
#include <string_view>

#include "ops/matmul.h"
#include "tensor/dtype.h"
#include "tensor/stored_matrix.h"

namespace e5v::nn {

/// The arithmetic of a model. The residual stream, norms and all sums are always f32.
enum class Precision {
  f32,   ///< weights as stored, f32 activations: the numbers of the reference
  bf16,  ///< weights of at most 16 bits; if the CPU has bf16 instructions, bf16 inputs of GEMMs and bf16 weighted
         ///< sums of attention's values; f32 elsewhere
  int8,  ///< int8 weights with activations rounded to whole numbers, and int4 weights if the CPU has 8-bit dot
         ///< products; everything else as in bf16
  fp8,   ///< on a GPU: plain weights and activations rounded to 8-bit floats; the rest as in bf16
};

std::string_view name_of(Precision precision);

/// The arithmetic of this machine's GEMMs for a precision and weights of a format in some memory. On a CPU without bf16
/// instructions, f32 arithmetic on 16-bit weights is both faster and more exact than emulating bf16.
ops::Arithmetic arithmetic_for(Precision precision, tensor::WeightFormat format,
                               tensor::Place place = tensor::Place::host);

/// The type of decoded weights under a precision. Weights are decoded when they cannot be multiplied in their stored
/// form.
tensor::DType decoded_type(Precision precision);

/// Whether attention's weighted sums of values are in bf16: under all precisions except f32, if there are instructions
/// for it.
bool bf16_attention(Precision precision, tensor::Place place = tensor::Place::host);

/// The precision that suits a checkpoint, by the format of most weights, or by their plain type `stored`: f32 for f32,
/// bf16 for 16-bit types and nf4, int8 for int8. int4 gives int8 if the CPU has 8-bit dot products, otherwise bf16.
/// int8 weights whose inputs must not be rounded give bf16.
Precision default_precision(tensor::DType stored, tensor::WeightFormat format,
                            tensor::Place place = tensor::Place::host, bool rounds_inputs = true);

}  // namespace e5v::nn

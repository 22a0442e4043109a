#pragma once
#include "tensor/input_rounding.h"
#include "tensor/matrix.h"

namespace e5v::ops {

/// y = x, rounded as a weight's scheme asks for and converted back. For integers of b bits in [-2^(b-1), 2^(b-1) - 1],
/// a symmetric scale is max|x| / (2^b - 1) * 2. With a zero point it is (max - min) / (2^b - 1), where the range
/// includes zero. For 8-bit floats it is max|x| / 448. Ties go to even. x_MK f32|bf16, y of its type; both on the host.
/// Throws InvalidInput when shapes, types or groups do not fit. Source: compressed-tensors 0.20.1, calculate_qparams
/// and fake_quantize.
void round_inputs(tensor::ConstMatrix x_MK, const tensor::InputRounding& rounding, tensor::Matrix y_MK);

}  // namespace e5v::ops

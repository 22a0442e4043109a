#pragma once
#include <span>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// q = round(x / s), s = max|x| / levels over each row (s = 0 for a row of zeros), ties to even.
/// x_MK f32 [M, K]; q_MK i8|i16 [M, K]; scales_M [M]; levels fits q's type. Throws InvalidInput when shapes, types or
/// levels differ from that. Source: arXiv:2211.10438, eq. 1, per token.
void quantize_rows(tensor::ConstMatrix x_MK, tensor::Matrix q_MK, std::span<float> scales_M, int levels = 127);

/// The whole number to which the largest activation of a row is scaled under Arithmetic::int8, for K products a sum,
/// where the CPU has no 8-bit dot products: activations travel in 16 bits anyway, and it is the largest (at most 32767)
/// for which sums cannot leave 32 bits, so that their rounding hardly counts.
int int8_levels(std::int64_t inputs_K);

/// An upper bound of the length of x - q, where q is what matmul under int8 multiplies in place of a row x, in 8 bits
/// or in 16 as the CPU has it: the product with w is then off by at most that times |w|. x_MK f32 [M, K]; lost_M [M].
void int8_rounding(tensor::ConstMatrix x_MK, std::span<float> lost_M);

/// y = rows [begin, begin + y.rows) of a weight, as numbers. y f32|bf16 [n, K], rounded to nearest even.
/// Throws InvalidInput when shapes or types differ from that.
void expand_rows(const tensor::StoredMatrix& weight_NK, std::int64_t begin, tensor::Matrix y);

}  // namespace e5v::ops

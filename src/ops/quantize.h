#pragma once
#include <span>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// q = round(x / s), with s = max|x| / levels for each row (s = 0 for a row of zeros), ties to even. x_MK f32 [M, K];
/// q_MK i8|i16 [M, K]; scales_M [M]; levels fits the type of q. Throws InvalidInput when shapes, types or levels differ
/// from that. Source: arXiv:2211.10438, eq. 1, per token.
void quantize_rows(tensor::ConstMatrix x_MK, tensor::Matrix q_MK, std::span<float> scales_M, int levels = 127);

/// The whole number for the largest activation of a row under Arithmetic::int8, for sums of K products on CPUs without
/// 8-bit dot products. Activations take 16 bits there, so it is the largest number (at most 32767) for which sums stay
/// in 32 bits. The rounding then hardly matters.
int int8_levels(std::int64_t inputs_K);

/// An upper bound of the length of x - q, where q is the row that matmul under int8 multiplies instead of x, with 8 or
/// 16 bits, depending on the CPU. The error of the product with w is at most this bound times |w|. x_MK f32 [M, K];
/// lost_M [M].
void int8_rounding(tensor::ConstMatrix x_MK, std::span<float> lost_M);

/// y = rows [begin, begin + y.rows) of a weight as numbers. y f32|bf16 [n, K], rounded to nearest even. Throws
/// InvalidInput when shapes or types differ from that.
void expand_rows(const tensor::StoredMatrix& weight_NK, std::int64_t begin, tensor::Matrix y);

}  // namespace e5v::ops

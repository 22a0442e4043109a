#pragma once
#include <span>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// q = round(x / s), s = max|x| / 127 over each row (s = 0 for a row of zeros), ties to even.
/// x_MK f32 [M, K]; q_MK i8|i16 [M, K]; scales_M [M]. Throws InvalidInput when shapes or types differ from that.
/// Source: arXiv:2211.10438, eq. 1, per token.
void quantize_rows(tensor::ConstMatrix x_MK, tensor::Matrix q_MK, std::span<float> scales_M);

/// y = rows [begin, begin + y.rows) of a weight, as numbers. y f32|bf16 [n, K], rounded to nearest even.
/// Throws InvalidInput when shapes or types differ from that.
void expand_rows(const tensor::StoredMatrix& weight_NK, std::int64_t begin, tensor::Matrix y);

}  // namespace e5v::ops

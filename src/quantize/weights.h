#pragma once
#include <span>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

/// Weights of quantised checkpoints.
namespace e5v::quantize {

/// A weight matrix in a quantised format, with its memory.
struct QuantizedWeight {
  tensor::Tensor values, scales;
  tensor::StoredMatrix matrix;  ///< a view of both
};

/// Rounds each row to 8 bits: q = round(w / s) with s = max|w| / 127, which is first rounded to `scale_type`. w_NK f32
/// [N, K].
QuantizedWeight quantize_int8(tensor::ConstMatrix w_NK, tensor::DType scale_type);

/// Rounds each group of columns of a row to 4 bits, q in [-8, 7]. The scale is the one with the smallest sum of
/// importance_K (w - q s)^2 among several, from the one that represents the largest value down to 0.6 of it. Without
/// importance all columns have equal weight. w_NK f32 [N, K]; group a multiple of 8 that divides K. Throws InvalidInput
/// otherwise.
QuantizedWeight quantize_int4(tensor::ConstMatrix w_NK, std::int64_t group, std::span<const float> importance_K,
                              tensor::DType scale_type);

}  // namespace e5v::quantize

#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::ops {

/// A row of one matrix and a row of another.
struct RowPair {
  std::int64_t a = 0, b = 0;
};

/// dots[i] = a[pairs[i].a] b[pairs[i].b], summed in double. Products of f32 are exact in double, so the error is less
/// than K 2^-53 of the product of the lengths. Consecutive pairs should have the same rows, or adjacent rows. a_MK f32
/// [M, K]; b_NK f32 [N, K]. Throws InvalidInput when shapes, types or indices differ from that.
void dots(tensor::ConstMatrix a_MK, tensor::ConstMatrix b_NK, std::span<const RowPair> pairs, std::span<double> dots);

}  // namespace e5v::ops

#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::ops {

/// A row of one matrix and a row of another.
struct RowPair {
  std::int64_t a = 0, b = 0;
};

/// dots[i] = a[pairs[i].a] b[pairs[i].b], summed in double: products of f32 are exact there, so the sum is off by less
/// than K 2^-53 of the lengths' product. Pairs that follow each other should have rows in common, or rows that do.
/// a_MK f32 [M, K]; b_NK f32 [N, K]. Throws InvalidInput when shapes, types or indices differ from that.
void dots(tensor::ConstMatrix a_MK, tensor::ConstMatrix b_NK, std::span<const RowPair> pairs, std::span<double> dots);

}  // namespace e5v::ops

#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace e5v::ops {

/// A vector rounded to whole numbers of 16 bits, so that x is about scale * values.
struct RoundedVector {
  std::vector<std::int16_t> values;
  float scale = 0;  ///< 0 for a vector of zeros
  float lost = 0;   ///< an upper bound of the length of x - scale * values
};

/// Rounds to whole numbers from -levels to levels. x_K f32 [K], finite.
RoundedVector round_vector(std::span<const float> x_K, int levels);
/// Rounds to the largest number of levels for which sums of products with bytes stay in 32 bits (int8_levels).
RoundedVector round_vector(std::span<const float> x_K);

/// dots[n] = x . rows[n] of the whole numbers, exact in 32 bits, times both scales. It multiplies one vector with many
/// rows at the speed of memory; matmul would first reorder the rows. rows_NK i8 [N, K], dense; scales_N [N]; dots_N
/// [N]; K as long as x. Throws InvalidInput when shapes or types differ from that.
void byte_dots(const RoundedVector& x, tensor::ConstMatrix rows_NK, std::span<const float> scales_N,
               std::span<float> dots_N);

}  // namespace e5v::ops

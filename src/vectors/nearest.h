#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"
#include "vectors/nibble_rows.h"
#include "vectors/top_k.h"

namespace e5v::vectors {

/// What a search read, for measurements.
struct NearestCounts {
  std::int64_t high = 0;   ///< rows of the high plane
  std::int64_t low = 0;    ///< rows of the low plane
  std::int64_t exact = 0;  ///< vectors
};

/// Returns the k candidates with the highest exact dot product with one query, the best first and equal ones by index.
/// The high plane decides most candidates, the low plane most of the others, and exact products in double order what
/// they leave open, so the list is that of exact products on every CPU. query_D f32 [D], finite; vectors_CD f16 or f32
/// [C, D], of which `rounded` is the rounded form. Only candidates whose byte in `allowed` is not 0 are read; an empty
/// `allowed` means all. Takes 4 bytes of memory per candidate, and little for each that the high plane leaves open.
/// Throws InvalidInput if k is less than 1 or shapes differ from that.
std::vector<Neighbour> nearest(std::span<const float> query_D, tensor::ConstMatrix vectors_CD,
                               const NibbleRows& rounded, std::int64_t k, std::span<const std::uint8_t> allowed = {},
                               NearestCounts* counts = nullptr);

}  // namespace e5v::vectors

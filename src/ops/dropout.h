#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::ops {

/// What names a dropout's random numbers besides row and column.
struct DropoutKey {
  std::uint32_t seed = 0, step = 0, place = 0;
};

/// y = x dropped, or y += x dropped with add: each element of x becomes 0 with the probability, which counts in steps
/// of 2^-16, else x / (1 - probability). Which ones depends on the key, the names of the rows, and the columns only.
/// Its backward pass is itself. x_TD, y_TD f32|bf16 [T, D], y f32 with add; they may be the same; names_T [T]. Throws
/// InvalidInput when shapes or types differ from that, or probability is not in [0, 1). Source: arXiv:1207.0580. Random
/// numbers: of each 128 columns the places i, i + 16, ..., i + 112 take the halves, low ones first, of the four numbers
/// of Philox4x32-10 whose counter is (16 columns / 128 + i, place, name).
void dropout(tensor::ConstMatrix x_TD, float probability, const DropoutKey& key, std::span<const std::uint64_t> names_T,
             tensor::Matrix y_TD, bool add = false);

}  // namespace e5v::ops

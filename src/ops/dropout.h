#pragma once
#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace e5v::ops {

/// The key of a dropout's random numbers, in addition to row and column.
struct DropoutKey {
  std::uint32_t seed = 0, step = 0, place = 0;
};

/// y = x after dropout, or y += x after dropout with add. Each element of x becomes 0 with the probability, which is a
/// multiple of 2^-16, otherwise x / (1 - probability). The choice depends only on the key, the names of the rows, and
/// the columns. Dropout is its own backward pass. x_TD, y_TD f32|bf16 [T, D], y f32 with add; they may be the same;
/// names_T [T]. Throws InvalidInput when shapes or types differ from that, or probability is not in [0, 1). Source:
/// arXiv:1207.0580. Random numbers: in each 128 columns, the columns i, i + 16, ..., i + 112 take the halves, low ones
/// first, of the four numbers of Philox4x32-10 with the counter (16 columns / 128 + i, place, name).
void dropout(tensor::ConstMatrix x_TD, float probability, const DropoutKey& key, std::span<const std::uint64_t> names_T,
             tensor::Matrix y_TD, bool add = false);

}  // namespace e5v::ops

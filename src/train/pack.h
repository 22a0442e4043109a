#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/llama.h"

namespace e5v::train {

/// A tokenised text as training sees it. Positions rise, but may leave some out: what the reference masks is not there.
struct TokenSequence {
  std::vector<std::int32_t> ids, positions;
  std::uint32_t name = 0;  ///< unique within a step: with a position it names a row for dropout

  /// Positions 0, 1, ....
  static TokenSequence from(std::vector<std::int32_t> ids, std::uint32_t name);
};

/// Sequences as rows of one matrix, one behind the other; pooled are their last rows, in their order.
struct PackedSequences {
  std::vector<std::int32_t> ids_T;
  model::PackedRows rows;
};

/// Packs sequences, none of them empty, without sharing anything: each has random numbers of its own.
PackedSequences pack_sequences(std::span<const TokenSequence> sequences);

}  // namespace e5v::train

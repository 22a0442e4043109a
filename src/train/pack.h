#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/llava_next.h"

namespace e5v::train {

/// A text, an image or both, tokenised, as training sees it. Positions rise, but may leave some out: what the reference
/// masks is not there.
struct TokenSequence {
  std::vector<std::int32_t> ids;        ///< one for each row; -1 for the rows of images
  std::vector<std::int32_t> positions;  ///< of the rows
  std::uint32_t name = 0;               ///< unique within a step: with a position it names a row for dropout
  std::vector<std::shared_ptr<const model::PreparedImage>> images{};  ///< in the order of their rows
  /// For next-token prediction: what follows each of the last rows. Empty: the last row's hidden state is wanted.
  std::vector<std::int32_t> labels{};

  /// Positions 0, 1, ....
  static TokenSequence from(std::vector<std::int32_t> ids, std::uint32_t name);

  std::int64_t rows() const { return static_cast<std::int64_t>(ids.size()); }
  /// Rows whose hidden state is wanted.
  std::int64_t pooled() const { return labels.empty() ? 1 : static_cast<std::int64_t>(labels.size()); }
};

/// Sequences as rows of one matrix, one behind the other. Pooled are the last rows of each, in their order.
struct PackedSequences {
  std::vector<std::int32_t> ids_T;
  std::vector<model::LlavaNext::PlacedImage> images;
  model::PackedRows rows;
};

/// Packs sequences, none of them empty, without sharing anything: each has random numbers of its own.
PackedSequences pack_sequences(std::span<const TokenSequence> sequences);

}  // namespace e5v::train

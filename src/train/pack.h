#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/llava_next.h"

namespace e5v::train {

/// A text, an image or both as tokens for training. Positions rise, but may have gaps: tokens that the reference masks
/// are left out.
struct TokenSequence {
  std::vector<std::int32_t> ids;        ///< one for each row; -1 for the rows of images
  std::vector<std::int32_t> positions;  ///< of the rows
  std::uint32_t name = 0;               ///< unique within a step; name and position select the dropout of a row
  std::vector<std::shared_ptr<const model::PreparedImage>> images{};  ///< in the order of their rows
  /// Labels for next-token prediction: the tokens that follow the last rows. Empty: the last row's hidden state is the
  /// output.
  std::vector<std::int32_t> labels{};

  /// A sequence with positions 0, 1, ....
  static TokenSequence from(std::vector<std::int32_t> ids, std::uint32_t name);

  std::int64_t rows() const { return static_cast<std::int64_t>(ids.size()); }
  /// The number of pooled rows.
  std::int64_t pooled() const { return labels.empty() ? 1 : static_cast<std::int64_t>(labels.size()); }
};

/// Sequences as the rows of one matrix, one after the other. The last rows of each sequence are pooled, in their order.
struct PackedSequences {
  std::vector<std::int32_t> ids_T;
  std::vector<model::LlavaNext::PlacedImage> images;
  model::PackedRows rows;
};

/// Packs sequences, none of them empty. Nothing is shared, because each sequence has its own random numbers.
PackedSequences pack_sequences(std::span<const TokenSequence> sequences);

}  // namespace e5v::train

#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/llama.h"

namespace e5v::embed {

/// One row of a sequence: a token id, or a token of an image. Equal symbols behind equal prefixes are one row.
struct Symbol {
  std::int32_t image = -1;  ///< index of the image in the batch, or -1 for text
  std::int32_t value = 0;   ///< token id, or position among the image's tokens
  auto operator<=>(const Symbol&) const = default;
};

using Sequence = std::vector<Symbol>;

/// Sequences packed so that every shared prefix is there once.
struct Forest {
  std::vector<Symbol> symbols_T;             ///< what each row is
  model::PackedRows rows;                    ///< who sees whom; pooled are the last rows of the sequences
  std::vector<std::int64_t> pooled_index_S;  ///< for each sequence, its row among the pooled ones
};

/// Packs sequences, none of them empty, into a forest. Identical sequences share all rows and one pooled row.
Forest build_forest(std::span<const Sequence> sequences);

}  // namespace e5v::embed

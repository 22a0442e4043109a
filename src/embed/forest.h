#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "embed/prepared_input.h"
#include "model/llama.h"

namespace e5v::embed {

/// Packed sequences, in which every shared prefix is stored once.
struct Forest {
  std::vector<Symbol> symbols_T;             ///< the symbol of each row
  model::PackedRows rows;                    ///< attention and positions; the last row of each sequence is pooled
  std::vector<std::int64_t> pooled_index_S;  ///< the index of each sequence among the pooled rows
};

/// Packs sequences, none of them empty, into a forest. Identical sequences share all rows and one pooled row. A row has
/// the position of its symbol, which may differ from its depth.
Forest build_forest(std::span<const Sequence> sequences);

}  // namespace e5v::embed

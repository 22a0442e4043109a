#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "embed/prepared_input.h"
#include "model/llama.h"

namespace e5v::embed {

/// Sequences packed so that every shared prefix is there once.
struct Forest {
  std::vector<Symbol> symbols_T;             ///< what each row is
  model::PackedRows rows;                    ///< who sees whom, and where; pooled are the last rows of the sequences
  std::vector<std::int64_t> pooled_index_S;  ///< for each sequence, its row among the pooled ones
};

/// Packs sequences, none of them empty, into a forest. Identical sequences share all rows and one pooled row. A row's
/// position is that of its symbol, which may be another one than its depth.
Forest build_forest(std::span<const Sequence> sequences);

}  // namespace e5v::embed

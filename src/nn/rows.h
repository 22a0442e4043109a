#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ops/attention.h"
#include "ops/product_rows.h"
#include "ops/rotary.h"

namespace e5v::nn {

/// The rows that a pass works on: what operations need to know about them in addition to their numbers. Everything is
/// borrowed, and must live until the pass's tape is rewound. Members that no operation of the pass needs may be empty.
struct Rows {
  std::span<const std::int32_t> positions = {};  ///< of each row, as an index into the rotary table
  const ops::RotaryTable* rotary = nullptr;
  const ops::AttentionPlan* plan = nullptr;   ///< the attention between rows, with these rows as queries
  std::span<const std::uint64_t> names = {};  ///< unique numbers, which dropout depends on
  ops::FineRows fine = {};                    ///< rows that become vectors, if the arithmetic treats them differently
  std::optional<std::span<const std::int64_t>> selected = {};  ///< indices in the batch; nothing: all rows
};

/// A packed batch: sequences, or the branches of a prefix forest, as the rows of one matrix without padding.
struct PackedRows {
  std::vector<std::int32_t> positions_T;         ///< of each row, as an index into the rotary table
  ops::AttentionPlan plan;                       ///< with every row as a query
  std::vector<std::int64_t> pooled_P;            ///< the pooled rows
  std::vector<std::int32_t> pooled_positions_P;  ///< their positions
  ops::AttentionPlan pooled_plan;                ///< the same nodes, with the pooled rows as queries
  std::vector<std::uint64_t> names_T;            ///< unique numbers of the rows, only for passes with dropout
  std::vector<std::uint64_t> pooled_names_P;     ///< those of the pooled rows
  /// The positions of the rows of the rotary table. Empty: row i is for position i of a sequence.
  std::vector<ops::RotaryPosition> rotary_positions;

  /// All rows. The pooled ones are fine.
  Rows all(const ops::RotaryTable* table) const { return {positions_T, table, &plan, names_T, {pooled_P}, {}}; }
  /// The pooled rows alone, all of them fine.
  Rows pooled(const ops::RotaryTable* table) const {
    return {pooled_positions_P, table, &pooled_plan, pooled_names_P, {.all = true}, pooled_P};
  }
};

}  // namespace e5v::nn

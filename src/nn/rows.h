#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ops/attention.h"
#include "ops/product_rows.h"
#include "ops/rotary.h"

namespace e5v::nn {

/// The rows that a pass works on: what operations must know of them beside their numbers. Everything is borrowed, and
/// must live until the pass's tape is rewound. What no operation of the pass asks for may be left out.
struct Rows {
  std::span<const std::int32_t> positions = {};  ///< of each row in the rotary table
  const ops::RotaryTable* rotary = nullptr;
  const ops::AttentionPlan* plan = nullptr;   ///< who attends to whom, with these rows as queries
  std::span<const std::uint64_t> names = {};  ///< unique numbers, by which dropout tells rows apart
  ops::FineRows fine = {};  ///< those that vectors are made of, as far as the arithmetic makes a difference
  std::optional<std::span<const std::int64_t>> selected = {};  ///< which rows of the batch they are; nothing: all
};

/// A packed batch: sequences (or the branches of a forest of them) as rows of one matrix, without padding.
struct PackedRows {
  std::vector<std::int32_t> positions_T;         ///< of each row in the rotary table
  ops::AttentionPlan plan;                       ///< every row as query
  std::vector<std::int64_t> pooled_P;            ///< the rows whose last hidden state is wanted
  std::vector<std::int32_t> pooled_positions_P;  ///< their positions
  ops::AttentionPlan pooled_plan;                ///< the same nodes, with the pooled rows as queries
  std::vector<std::uint64_t> names_T;            ///< unique numbers of the rows, only for passes with dropout
  std::vector<std::uint64_t> pooled_names_P;     ///< those of the pooled rows
  /// What the rows of the rotary table are for; empty: row i is for position i of a sequence.
  std::vector<ops::RotaryPosition> rotary_positions;

  /// All rows, of which the pooled ones are fine.
  Rows all(const ops::RotaryTable* table) const { return {positions_T, table, &plan, names_T, {pooled_P}, {}}; }
  /// The pooled rows alone, all of them fine.
  Rows pooled(const ops::RotaryTable* table) const {
    return {pooled_positions_P, table, &pooled_plan, pooled_names_P, {.all = true}, pooled_P};
  }
};

}  // namespace e5v::nn

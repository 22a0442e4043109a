#pragma once
#include "model/llama.h"

namespace e5v::model::test {

/// One sequence of `length` rows, pooled at its last row, or at every row.
inline PackedRows one_sequence(std::int64_t length, bool pool_all = false) {
  PackedRows rows;
  rows.plan.nodes = rows.pooled_plan.nodes = {{0, length}};
  rows.plan.spans = {{{0, length}, {0}, true}};
  rows.pooled_plan.spans = {{{0, pool_all ? length : 1}, {0}, true}};
  for (std::int64_t row = 0; row < length; ++row) {
    rows.positions_T.push_back(static_cast<std::int32_t>(row));
    if (!pool_all && row + 1 < length) continue;
    rows.pooled_P.push_back(row);
    rows.pooled_positions_P.push_back(static_cast<std::int32_t>(row));
  }
  return rows;
}

}  // namespace e5v::model::test

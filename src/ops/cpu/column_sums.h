#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

#include "base/parallel.h"

namespace e5v::ops::cpu {

/// sums[j] += the sum over all rows of term(row, j): columns in parallel and rows in order, so that the number of
/// threads does not matter.
template <class Term>
void add_column_sums(std::int64_t rows, std::span<float> sums, const Term& term) {
  constexpr std::int64_t kColumns = 64;
  const auto width = static_cast<std::int64_t>(sums.size());
  parallel_for((width + kColumns - 1) / kColumns, 1, [&](std::int64_t part) {
    double totals[kColumns] = {};
    const std::int64_t begin = part * kColumns, count = std::min(kColumns, width - begin);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t j = 0; j < count; ++j) totals[j] += static_cast<double>(term(row, begin + j));
    }
    for (std::int64_t j = 0; j < count; ++j) sums[static_cast<std::size_t>(begin + j)] += static_cast<float>(totals[j]);
  });
}

}  // namespace e5v::ops::cpu

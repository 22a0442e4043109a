#pragma once
#include <algorithm>
#include <cstdint>

#include "base/parallel.h"

namespace e5v::ops::cpu {

/// The next multiple of a unit.
constexpr std::int64_t rounded_up(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit * unit; }

/// Runs body(row) in parallel, in chunks large enough to be worth a thread.
template <class Body>
void for_rows(std::int64_t rows, std::int64_t width, const Body& body) {
  constexpr std::int64_t kElementsPerChunk = 1 << 15;
  parallel_for(rows, std::max<std::int64_t>(1, kElementsPerChunk / std::max<std::int64_t>(1, width)), body);
}

}  // namespace e5v::ops::cpu

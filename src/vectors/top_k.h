#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "vectors/scores.h"

namespace e5v::vectors {

/// A candidate of a query.
struct Neighbour {
  std::int64_t candidate = 0;
  float score = 0;  ///< the exact similarity, rounded once
  bool operator==(const Neighbour&) const = default;
};

/// Returns whether a candidate may be found. Called only for candidates that could be in the result, by several threads
/// in any order.
using Filter = std::function<bool(std::int64_t candidate)>;

/// Returns the k candidates of each query with the highest exact similarity, the best first and equal ones by index.
/// The list is shorter if there are fewer candidates. `excluded` matches are left out, and candidates that `allowed`
/// refuses. Screens select the candidates that can be among the first k, and exact similarities order them, so the
/// lists are the same on every CPU. The memory is that of the result, a section of similarities, and some thousand
/// candidates per query. Throws InvalidInput if k is less than 1 or an excluded match is out of range.
std::vector<std::vector<Neighbour>> top_k(const ExactScores& scores, std::int64_t k,
                                          std::span<const Match> excluded = {}, const Filter& allowed = nullptr);

}  // namespace e5v::vectors

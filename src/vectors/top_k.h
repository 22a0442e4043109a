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

/// Says which candidates may be found. Asked only for those that could be; by many threads, in any order.
using Filter = std::function<bool(std::int64_t candidate)>;

/// The k most similar candidates of each query by exact similarity, the best first, equal ones by index; fewer when
/// there are fewer. `excluded` are left out for their query, and for all queries what `allowed` refuses. Cheap numbers
/// decide which candidates can be among the first k, exact ones on their order; so lists are the same on every CPU.
/// Memory is that of the result, a block of similarities, and some thousand candidates a query. Throws InvalidInput
/// when k is less than 1 or an excluded match is out of range.
std::vector<std::vector<Neighbour>> top_k(const ExactScores& scores, std::int64_t k,
                                          std::span<const Match> excluded = {}, const Filter& allowed = nullptr);

}  // namespace e5v::vectors

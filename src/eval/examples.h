#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "eval/result.h"
#include "vectors/ranking.h"

namespace e5v::eval {

/// Functions that show a query or a candidate, given its index.
struct Showing {
  std::function<Shown(std::int64_t)> query, candidate;
};

/// Adds examples to a result, each with its first candidates: `count` queries with a right candidate at rank 1, spread
/// over the list, and the `count` queries with the largest ranks.
void add_examples(Result& result, const vectors::ExactScores& scores, const vectors::Relation& relation,
                  std::span<const std::optional<vectors::Rank>> ranks, const Showing& showing, std::size_t count = 6);

}  // namespace e5v::eval

#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "eval/result.h"
#include "vectors/ranking.h"

namespace e5v::eval {

/// How queries and candidates are shown, by index.
struct Showing {
  std::function<Shown(std::int64_t)> query, candidate;
};

/// Adds to a result the queries whose right candidate came first, spread over the list, and those where it came last,
/// each with its first candidates: `count` of either kind.
void add_examples(Result& result, const vectors::ExactScores& scores, const vectors::Relation& relation,
                  std::span<const std::optional<vectors::Rank>> ranks, const Showing& showing, std::size_t count = 6);

}  // namespace e5v::eval

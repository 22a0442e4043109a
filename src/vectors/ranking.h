#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "vectors/scores.h"

namespace e5v::vectors {

/// The right candidates of queries (`positives`), and the candidates that are excluded from a ranking (for example, a
/// query's own reference image).
struct Relation {
  std::vector<Match> positives, excluded;
};

/// The number of candidates before the best right candidate: `best` counts ties as wins, `worst` counts ties as losses.
/// Other right candidates are not counted.
struct Rank {
  std::int64_t best = 0, worst = 0;
};

/// The rank of the best right candidate of each query, and the rank of the best right query of each candidate; nothing
/// if there is none.
struct Ranking {
  std::vector<std::optional<Rank>> of_queries, of_candidates;
};

/// Ranks both directions in one pass over the similarities. Screens decide most comparisons with a right candidate. The
/// others are decided by exact similarities, so the ranks are those of exact similarities. Throws InvalidInput if a
/// match is out of range.
Ranking rank_positives(const ExactScores& scores, const Relation& relation);

/// Returns the share of ranks below k: a query counts if any of its right candidates is among the first k (as CLIP's
/// recall). Queries without a rank are not counted. The result is NaN if there is no rank.
struct Recall {
  double optimistic = 0, pessimistic = 0;  ///< ties as wins; ties as losses
};
Recall recall_at(std::span<const std::optional<Rank>> ranks, std::int64_t k);

}  // namespace e5v::vectors

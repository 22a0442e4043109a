#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "vectors/scores.h"

namespace e5v::vectors {

/// What belongs together, and what is left out of the order (a query's own reference image, for example).
struct Relation {
  std::vector<Match> positives, excluded;
};

/// How many candidates come before the best positive one: `best` if ties are decided for it, `worst` if against.
/// Other positives do not count.
struct Rank {
  std::int64_t best = 0, worst = 0;
};

/// Ranks of the best positive candidate of each query, and of the best positive query of each candidate; nothing for
/// those without any.
struct Ranking {
  std::vector<std::optional<Rank>> of_queries, of_candidates;
};

/// Both directions in one pass over the similarities. Cheap numbers decide which pairs can be on either side of a
/// positive, exact ones on which they are; so ranks are those of exact similarities. Matches must be in range; throws
/// InvalidInput otherwise.
Ranking rank_positives(const ExactScores& scores, const Relation& relation);

/// The share of ranks below k: a query counts when any of its positives is among its first k (as CLIP's recall). Those
/// without a rank are passed over. NaN when there is none.
struct Recall {
  double optimistic = 0, pessimistic = 0;  ///< ties decided for and against the positives
};
Recall recall_at(std::span<const std::optional<Rank>> ranks, std::int64_t k);

}  // namespace e5v::vectors

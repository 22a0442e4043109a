#pragma once
#include <cstdint>
#include <limits>

namespace e5v::vectors {

/// A candidate with its similarity, or with a bound of it.
struct Scored {
  double score = 0;
  std::int64_t candidate = 0;
};

/// The limit of a list that is not full: every candidate passes it.
inline constexpr double kNoLimit = -std::numeric_limits<double>::infinity();

/// The order of a ranking: the highest similarity first, and equal ones by index.
inline bool comes_first(const Scored& a, const Scored& b) {
  return a.score > b.score || (a.score == b.score && a.candidate < b.candidate);
}

}  // namespace e5v::vectors

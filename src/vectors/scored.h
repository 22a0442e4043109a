#pragma once
#include <cstdint>

namespace e5v::vectors {

/// A candidate with its similarity, or with a bound of it.
struct Scored {
  double score = 0;
  std::int64_t candidate = 0;
};

/// The order of a ranking: the highest similarity first, and equal ones by index.
inline bool comes_first(const Scored& a, const Scored& b) {
  return a.score > b.score || (a.score == b.score && a.candidate < b.candidate);
}

}  // namespace e5v::vectors

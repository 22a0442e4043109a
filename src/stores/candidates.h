#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "tensor/half.h"

/// Scores of servers are rounded; these functions make exact lists of them.
namespace e5v::stores {

/// A photo that a server has found.
struct Candidate {
  Hash128 hash;
  double score = 0;                  ///< the server's, and later the exact one
  std::vector<tensor::Half> vector;  ///< [width]
};

/// How much the score of a server may differ from the exact cosine, if it multiplies f16 vectors with the query rounded
/// to f16, and sums in f32: the length of the rounding error, and 2^-24 for each sum.
double half_score_error(std::span<const float> query);
/// The same for a query that is not rounded.
double float_score_error(std::span<const float> query);

/// Whether the first `top` photos of all are certainly among the candidates: `scores` are those of a server for its
/// best photos, the best first, each at most `error` away from the exact one.
bool has_first(std::span<const Candidate> candidates, std::int64_t top, double error);

/// Gives the candidates their exact scores, summed in double, and keeps the best `top` with at least `min_score`, the
/// best first, and equal ones by hash.
void rescore(std::span<const float> query, std::vector<Candidate>& candidates, std::int64_t top, double min_score);

}  // namespace e5v::stores

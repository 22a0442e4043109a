#include "stores/candidates.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "ops/dots.h"
#include "vectors/nibble_rows.h"

namespace e5v::stores {

double float_score_error(std::span<const float> query) { return std::ldexp(static_cast<double>(query.size()), -24); }

double half_score_error(std::span<const float> query) {
  double lost = 0;
  for (const float value : query) {
    const double difference = double{value} - static_cast<float>(tensor::Half(value));
    lost += difference * difference;
  }
  // Stored vectors have length 1 up to their own rounding.
  return 1.001 * std::sqrt(lost) + float_score_error(query);
}

bool has_first(std::span<const Candidate> candidates, std::int64_t top, double error) {
  if (std::ssize(candidates) <= top) return false;
  const double lowest_of_first = candidates[static_cast<std::size_t>(top - 1)].score - error;
  return candidates.back().score + error < lowest_of_first;
}

void rescore(std::span<const float> query, std::vector<Candidate>& candidates, std::int64_t top, double min_score) {
  std::vector<float> query_row(query.begin(), query.end()), rows;
  std::vector<ops::RowPair> pairs;
  for (const Candidate& candidate : candidates) {
    require(candidate.vector.size() == query.size(), "[search] the query has {} dimensions, a stored vector {}",
            query.size(), candidate.vector.size());
    for (const tensor::Half value : candidate.vector) rows.push_back(static_cast<float>(value));
    pairs.push_back({0, std::ssize(pairs)});
  }
  std::vector<double> scores(candidates.size());
  if (!pairs.empty())
    ops::dots(vectors::matrix_of_floats(query_row, 1), vectors::matrix_of_floats(rows, std::ssize(candidates)), pairs,
              scores);
  // As searches of a library, whose scores are exact ones rounded once.
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].score = static_cast<float>(scores[i]);
  std::vector<std::size_t> order(candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : candidates[a].hash.hex() < candidates[b].hash.hex();
  });
  std::vector<Candidate> best;
  for (const std::size_t i : order)
    if (std::cmp_less(best.size(), top) && candidates[i].score >= min_score) best.push_back(std::move(candidates[i]));
  candidates = std::move(best);
}

}  // namespace e5v::stores

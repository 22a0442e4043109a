#include "vectors/nearest.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/dots.h"
#include "ops/nibble_dots.h"
#include "vectors/bounds.h"
#include "vectors/scored.h"

namespace e5v::vectors {
namespace {

constexpr float kLeftOut = -std::numeric_limits<float>::infinity();

/// Keeps the first k of what is added.
void keep_first(std::vector<Scored>& list, std::size_t k) {
  if (list.size() <= k) return;
  std::ranges::nth_element(list, list.begin() + static_cast<std::ptrdiff_t>(k), comes_first);
  list.resize(k);
}

/// A query, rotated and rounded, and what its rounding may change.
class RotatedQuery {
 public:
  explicit RotatedQuery(std::span<const float> query_D)
      : length_(length_of(query_D)), factor_(rotated(query_D)), lost_(double{factor_.rounded().lost}) {}

  const ops::NibbleFactor& factor() const { return factor_; }

  /// The product with step * (16 high + 7.5), from the row of high + 8.
  double by_high(const RowBounds& row, std::int32_t dot) const {
    return scale(row) * (16.0 * (dot - 8.0 * sum()) + 7.5 * sum());
  }
  /// What the row of low adds to that.
  double by_low(const RowBounds& row, std::int32_t dot) const { return scale(row) * (dot - 7.5 * sum()); }

  /// An upper bound of the error of a product with a row whose rounding has lost `lost`, when the product is in f32.
  double error(const RowBounds& row, float lost) const {
    const double rotations = 2.5 * double{Rotation::kError}, sums_in_f32 = 4 * double{kUnit};
    return double{kMargin} *
           (length_ * double{lost} + (lost_ + (rotations + sums_in_f32) * length_) * (double{row.length} + lost));
  }

 private:
  static std::vector<float> rotated(std::span<const float> query_D) {
    std::vector<float> x(query_D.begin(), query_D.end());
    Rotation(std::ssize(x)).apply(x);
    return x;
  }
  double sum() const { return static_cast<double>(factor_.sum()); }
  double scale(const RowBounds& row) const { return double{row.step} * double{factor_.rounded().scale}; }

  double length_;
  ops::NibbleFactor factor_;
  double lost_;
};

class NearestSearch {
 public:
  NearestSearch(std::span<const float> query_D, tensor::ConstMatrix vectors_CD, const NibbleRows& rounded,
                std::int64_t k, std::span<const std::uint8_t> allowed)
      : query_D_(query_D),
        vectors_(vectors_CD),
        rounded_(rounded),
        k_(static_cast<std::size_t>(k)),
        allowed_(allowed),
        query_(query_D),
        scores_(static_cast<std::size_t>(rounded.rows())) {}

  std::vector<Scored> run(NearestCounts& counts) {
    score_high();
    raise_limit(counts);
    counts.low = add_low();
    raise_limit(counts);
    std::vector<Scored> open = open_candidates();
    erase_known(open);
    make_exact(open, counts);
    open.insert(open.end(), known_.begin(), known_.end());
    keep_first(open, k_);
    std::ranges::sort(open, comes_first);
    return open;
  }

 private:
  static constexpr std::int64_t kChunk = 4096;  // candidates

  const RowBounds& bounds(std::int64_t candidate) const { return rounded_.bounds[static_cast<std::size_t>(candidate)]; }
  std::int64_t chunks() const { return (rounded_.rows() + kChunk - 1) / kChunk; }

  template <class Visit>
  void for_chunk(std::int64_t chunk, const Visit& visit) const {
    const std::int64_t end = std::min(rounded_.rows(), (chunk + 1) * kChunk);
    for (std::int64_t c = chunk * kChunk; c < end; ++c) visit(c);
  }

  void score_high() {
    parallel_for(chunks(), 1, [&](std::int64_t chunk) {
      for_chunk(chunk, [&](std::int64_t c) {
        const auto at = static_cast<std::size_t>(c);
        scores_[at] = !allowed_.empty() && allowed_[at] == 0
                          ? kLeftOut
                          : static_cast<float>(query_.by_high(bounds(c), query_.factor().dot(rounded_.high_row(c))));
      });
    });
  }

  /// Adds the low plane where the high one leaves open whether a candidate is among the first k, and leaves the others
  /// out. Returns the number of the former.
  std::int64_t add_low() {
    std::atomic<std::int64_t> rows = 0;
    parallel_for(chunks(), 1, [&](std::int64_t chunk) {
      std::int64_t open = 0;
      for_chunk(chunk, [&](std::int64_t c) {
        float& score = scores_[static_cast<std::size_t>(c)];
        if (score == kLeftOut) return;
        if (double{score} + query_.error(bounds(c), bounds(c).lost_high) < limit_) {
          score = kLeftOut;
          return;
        }
        score += static_cast<float>(query_.by_low(bounds(c), query_.factor().dot(rounded_.low_row(c))));
        ++open;
      });
      rows += open;
    });
    return rows;
  }

  /// The k candidates with the highest scores.
  std::vector<Scored> first_candidates() const {
    std::vector<Scored> first;
    double limit = kNoLimit;
    for (std::int64_t c = 0; c < rounded_.rows(); ++c) {
      const float score = scores_[static_cast<std::size_t>(c)];
      if (score == kLeftOut || double{score} < limit) continue;
      first.push_back({score, c});
      if (first.size() < 2 * k_ + 1024) continue;
      keep_first(first, k_);
      limit = std::ranges::max_element(first, comes_first)->score;
    }
    keep_first(first, k_);
    return first;
  }

  /// Candidates that both planes leave open.
  std::vector<Scored> open_candidates() const {
    std::vector<Scored> open;
    for (std::int64_t c = 0; c < rounded_.rows(); ++c) {
      const float score = scores_[static_cast<std::size_t>(c)];
      if (score != kLeftOut && double{score} + query_.error(bounds(c), bounds(c).lost) >= limit_)
        open.push_back({score, c});
    }
    return open;
  }

  /// Replaces scores by exact ones, and remembers them.
  void make_exact(std::vector<Scored>& list, NearestCounts& counts) const {
    constexpr std::int64_t kGrain = 16;
    constexpr ops::RowPair kPair{0, 0};
    const tensor::ConstMatrix query_matrix{reinterpret_cast<const std::byte*>(query_D_.data()), tensor::DType::f32, 1,
                                           vectors_.columns, vectors_.columns};
    counts.exact += std::ssize(list);
    std::ranges::sort(list, {}, &Scored::candidate);
    parallel_for((std::ssize(list) + kGrain - 1) / kGrain, 1, [&](std::int64_t chunk) {
      std::vector<float> vector_D(query_D_.size());
      const std::int64_t end = std::min(std::ssize(list), (chunk + 1) * kGrain);
      for (std::int64_t i = chunk * kGrain; i < end; ++i) {
        Scored& found = list[static_cast<std::size_t>(i)];
        copy_as_floats(vectors_, found.candidate, matrix_of_floats(vector_D, 1));
        ops::dots(query_matrix, matrix_of_floats(vector_D, 1), {&kPair, 1}, {&found.score, 1});
      }
    });
  }

  void erase_known(std::vector<Scored>& list) const {
    std::erase_if(list, [&](const Scored& found) {
      return std::ranges::binary_search(known_, found.candidate, {}, &Scored::candidate);
    });
  }

  /// Computes the exact products of the k first candidates. The k-th best of all has at least the smallest one.
  void raise_limit(NearestCounts& counts) {
    std::vector<Scored> first = first_candidates();
    erase_known(first);
    make_exact(first, counts);
    known_.insert(known_.end(), first.begin(), first.end());
    std::ranges::sort(known_, {}, &Scored::candidate);
    if (known_.size() < k_) return;
    std::vector<Scored> best = known_;
    keep_first(best, k_);
    limit_ = std::ranges::max_element(best, comes_first)->score;
  }

  std::span<const float> query_D_;
  tensor::ConstMatrix vectors_;
  const NibbleRows& rounded_;
  std::size_t k_;
  std::span<const std::uint8_t> allowed_;
  RotatedQuery query_;
  std::vector<float> scores_;  // by the planes so far
  std::vector<Scored> known_;  // with exact products, by candidate
  double limit_ = kNoLimit;    // at least k candidates have this product or a higher one
};

}  // namespace

std::vector<Neighbour> nearest(std::span<const float> query_D, tensor::ConstMatrix vectors_CD,
                               const NibbleRows& rounded, std::int64_t k, std::span<const std::uint8_t> allowed,
                               NearestCounts* counts) {
  require(k > 0, "[nearest] the first {} of a list are wanted, expected at least 1", k);
  require(vectors_CD.columns == std::ssize(query_D) && rounded.width == std::ssize(query_D),
          "[nearest] the query has {} dimensions, the vectors {}, and their rounded form {}", query_D.size(),
          vectors_CD.columns, rounded.width);
  require(rounded.rows() <= vectors_CD.rows && (allowed.empty() || std::ssize(allowed) == rounded.rows()),
          "[nearest] {} vectors are rounded, of {}, and {} may be allowed", rounded.rows(), vectors_CD.rows,
          allowed.size());
  NearestCounts unused;
  NearestCounts& read = counts != nullptr ? *counts : unused;
  read = {.high = rounded.rows()};
  std::vector<Neighbour> result;
  for (const Scored& found : NearestSearch(query_D, vectors_CD, rounded, k, allowed).run(read))
    result.push_back({found.candidate, static_cast<float>(found.score)});
  return result;
}

}  // namespace e5v::vectors

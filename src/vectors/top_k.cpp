#include "vectors/top_k.h"

#include <algorithm>
#include <atomic>
#include <functional>

#include "base/error.h"
#include "base/parallel.h"
#include "vectors/scored.h"

namespace e5v::vectors {
namespace {

/// What may be among the first k of a query.
class Shortlist {
 public:
  explicit Shortlist(std::int64_t k) : k_(static_cast<std::size_t>(k)) {}

  /// At least k candidates are as similar as this.
  double limit() const { return minimums_.size() == k_ ? minimums_.front() : kNoLimit; }

  /// A candidate whose similarity lies in [minimum, maximum].
  void add(std::int64_t candidate, double minimum, double maximum) {
    open_.push_back({maximum, candidate});
    if (minimums_.size() == k_) {
      if (minimum <= minimums_.front()) return;
      std::pop_heap(minimums_.begin(), minimums_.end(), std::greater());
      minimums_.pop_back();
    }
    minimums_.push_back(minimum);
    std::push_heap(minimums_.begin(), minimums_.end(), std::greater());
  }

  /// Candidates whose similarities have to be known exactly.
  const std::vector<Scored>& open() const { return open_; }
  /// Drops those that k others precede.
  void prune() {
    std::erase_if(open_, [limit = limit()](const Scored& found) { return found.score < limit; });
  }
  /// Takes the exact similarities of the open ones, in their order.
  void resolve(std::span<const double> scores) {
    for (std::size_t i = 0; i < open_.size(); ++i) best_.push_back({scores[i], open_[i].candidate});
    open_.clear();
    const auto count = static_cast<std::ptrdiff_t>(std::min(k_, best_.size()));
    std::partial_sort(best_.begin(), best_.begin() + count, best_.end(), comes_first);
    best_.resize(static_cast<std::size_t>(count));
    minimums_.clear();
    for (const Scored& found : best_) minimums_.push_back(found.score);
    std::make_heap(minimums_.begin(), minimums_.end(), std::greater());
  }

  std::vector<Neighbour> list() const {
    std::vector<Neighbour> result;
    for (const Scored& found : best_) result.push_back({found.candidate, static_cast<float>(found.score)});
    return result;
  }

 private:
  std::size_t k_;
  std::vector<Scored> best_;      // known exactly, the first k so far in order
  std::vector<Scored> open_;      // with the maximum of their similarity
  std::vector<double> minimums_;  // the k largest of all minimums so far, the smallest on top
};

class Search {
 public:
  Search(const ExactScores& exact, std::int64_t k, std::span<const Match> excluded, const Filter& allowed)
      : exact_(exact), k_(k), allowed_(allowed), excluded_(excluded.begin(), excluded.end()) {
    require(k > 0, "[ranking] the first {} of a list are wanted, expected at least 1", k);
    require_in_range(excluded, exact);
    std::ranges::sort(excluded_);
  }

  std::vector<std::vector<Neighbour>> run() {
    const std::vector<Screen> screens = exact_.screens();
    std::vector<std::vector<Neighbour>> result;
    std::size_t screen = 0;
    for (std::int64_t query = 0; query < exact_.queries(); query += kQueryBlock) {
      const std::int64_t count = std::min(kQueryBlock, exact_.queries() - query);
      // A screen that decides little is of no more use for the next queries.
      while (!search(screens[screen], query, count, screen + 1 == screens.size())) ++screen;
      for (const Shortlist& list : lists_) result.push_back(list.list());
    }
    return result;
  }

 private:
  /// Finds the lists of some queries; false when a better screen would have less to decide.
  bool search(const Screen& screen, std::int64_t query, std::int64_t count, bool last) {
    lists_.assign(static_cast<std::size_t>(count), Shortlist(k_));
    resolved_ = 0;
    // A few queries take more candidates at once.
    constexpr std::int64_t kMaxWidth = 1 << 17;
    const std::int64_t width = std::min(kMaxWidth, kCandidateBlock * (kQueryBlock / count));
    for (std::int64_t candidate = 0; candidate < exact_.candidates(); candidate += width) {
      const tensor::Arena::Scope scope(arena_);
      const ScoreBlock block{
          query, candidate, arena_.matrix(tensor::DType::f32, count, std::min(width, exact_.candidates() - candidate))};
      screen.scores->fill(query, candidate, block.scores_QC);
      parallel_for(count, 1, [&](std::int64_t q) { scan(block, q, screen); });
      if (!resolve(query, kMaxOpen, last)) return false;
    }
    return resolve(query, 0, last);
  }

  /// Enters what a block has of a query.
  void scan(const ScoreBlock& block, std::int64_t q, const Screen& screen) {
    constexpr std::int64_t kStrip = 64;
    const float* scores = block.scores_QC.row<float>(q);
    const float* errors = screen.candidate_errors.data() + block.candidate;
    const float error = screen.query_errors[static_cast<std::size_t>(block.query + q)];
    Shortlist& list = lists_[static_cast<std::size_t>(q)];
    const std::int64_t width = block.scores_QC.columns;
    for (std::int64_t begin = 0; begin < width; begin += kStrip) {
      const std::int64_t end = std::min(begin + kStrip, width);
      const auto low = static_cast<float>(list.limit() - double{error});  // errors have room for roundings of f32
      std::int32_t any = 0;
      for (std::int64_t c = begin; c < end; ++c) any |= scores[c] + errors[c] >= low;
      if (any == 0) continue;
      for (std::int64_t c = begin; c < end; ++c) {
        const double off = double{error} + double{errors[c]}, maximum = double{scores[c]} + off;
        if (maximum < list.limit() || !may_be_found(block.query + q, block.candidate + c)) continue;
        list.add(block.candidate + c, double{scores[c]} - off, maximum);
      }
    }
  }

  bool may_be_found(std::int64_t query, std::int64_t candidate) const {
    return !std::ranges::binary_search(excluded_, Match{query, candidate}) && (!allowed_ || allowed_(candidate));
  }

  /// Asks for the exact similarities of lists that have more than `most` open; false, and nothing is asked, when they
  /// are so many that a better screen would take less.
  bool resolve(std::int64_t query, std::size_t most, bool last) {
    std::vector<Match> matches;
    std::vector<std::size_t> places;
    for (std::size_t q = 0; q < lists_.size(); ++q) {
      if (lists_[q].open().size() <= most) continue;
      lists_[q].prune();
      if (lists_[q].open().size() <= most / 2) continue;
      places.push_back(q);
      for (const Scored& found : lists_[q].open())
        matches.push_back({query + static_cast<std::int64_t>(q), found.candidate});
    }
    resolved_ += std::ssize(matches);
    constexpr double kMaxShare = 0.05;  // of all pairs: each costs as much as twenty in the GEMM of the next screen
    const double pairs = static_cast<double>(lists_.size()) * static_cast<double>(exact_.candidates());
    const double wanted = 4 * static_cast<double>(k_) * static_cast<double>(lists_.size());
    if (!last && static_cast<double>(resolved_) > std::max(kMaxShare * pairs, wanted)) return false;
    std::vector<double> scores(matches.size());
    exact_.exact(matches, scores);
    std::size_t begin = 0;
    for (const std::size_t q : places) {
      const std::size_t count = lists_[q].open().size();
      lists_[q].resolve(std::span(scores).subspan(begin, count));
      begin += count;
    }
    return true;
  }

  static constexpr std::size_t kMaxOpen = 16384;  // of a query

  const ExactScores& exact_;
  std::int64_t k_;
  const Filter& allowed_;
  std::vector<Match> excluded_;   // in order
  std::vector<Shortlist> lists_;  // of the queries at hand
  std::int64_t resolved_ = 0;     // pairs asked for exactly under this screen
  tensor::Arena arena_;
};

}  // namespace

std::vector<std::vector<Neighbour>> top_k(const ExactScores& scores, std::int64_t k, std::span<const Match> excluded,
                                          const Filter& allowed) {
  return Search(scores, k, excluded, allowed).run();
}

}  // namespace e5v::vectors

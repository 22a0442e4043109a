#include "vectors/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"

namespace e5v::vectors {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Matches by their section.
class MatchesByBlock {
 public:
  MatchesByBlock(std::span<const Match> matches, const Scores& scores) {
    require_in_range(matches, scores);
    for (const Match& match : matches)
      matches_[{match.query / kQueryBlock, match.candidate / kCandidateBlock}].push_back(match);
  }

  std::span<const Match> of(std::int64_t query, std::int64_t candidate) const {
    const auto found = matches_.find({query / kQueryBlock, candidate / kCandidateBlock});
    return found == matches_.end() ? std::span<const Match>() : found->second;
  }
  std::span<const Match> of(const ScoreBlock& block) const { return of(block.query, block.candidate); }

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Match>> matches_;
};

/// Excludes matches from the ranking.
void remove(const ScoreBlock& block, std::span<const Match> matches) {
  for (const Match& match : matches) block.at(match.query, match.candidate) = kLowest;
}

/// For each row or column: the similarity of its best right candidate, and the numbers of higher and equal
/// similarities.
struct Tally {
  std::vector<double> positive;
  std::vector<std::int64_t> above, beside;

  explicit Tally(std::int64_t count)
      : positive(static_cast<std::size_t>(count), kLowest), above(positive.size()), beside(positive.size()) {}

  void raise(std::int64_t index, double score) {
    double& best = positive[static_cast<std::size_t>(index)];
    best = std::max(best, score);
  }
  void count(std::int64_t index, double score) {
    const auto i = static_cast<std::size_t>(index);
    above[i] += score > positive[i], beside[i] += score == positive[i];
  }

  std::vector<std::optional<Rank>> ranks() const {
    std::vector<std::optional<Rank>> result(positive.size());
    for (std::size_t i = 0; i < positive.size(); ++i)
      if (positive[i] != kLowest) result[i] = Rank{above[i], above[i] + beside[i]};
    return result;
  }
};

/// The limits outside of which a screen decides: a similarity above `high` is higher than that of the right candidate,
/// and one below `low` is lower, in spite of the errors.
struct Limits {
  std::vector<float> high, low;

  Limits(const Tally& tally, const std::vector<float>& errors) {
    constexpr float kNever = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < errors.size(); ++i) {
      const double positive = tally.positive[i];
      high.push_back(positive == kLowest ? kNever : static_cast<float>(positive + double{errors[i]}));
      low.push_back(positive == kLowest ? kNever : static_cast<float>(positive - double{errors[i]}));
    }
  }
};

/// The pairs of a section that a screen has not decided, with the undecided directions.
struct Doubt {
  std::int32_t query, candidate;
  bool of_query, of_candidate;
};

/// The queries of a section stay in the cache, so each candidate is read from memory once.
std::vector<Doubt> by_candidate(const std::vector<Doubt>& doubts) {
  std::array<std::size_t, kCandidateBlock + 1> places{};
  for (const Doubt& doubt : doubts) ++places[static_cast<std::size_t>(doubt.candidate % kCandidateBlock) + 1];
  std::partial_sum(places.begin(), places.end(), places.begin());
  std::vector<Doubt> sorted(doubts.size());
  for (const Doubt& doubt : doubts)
    sorted[places[static_cast<std::size_t>(doubt.candidate % kCandidateBlock)]++] = doubt;
  return sorted;
}

/// The decisions of a screen for some rows of a section.
struct Decided {
  std::vector<std::int32_t> above_rows, above_columns;
  std::vector<Doubt> doubts;
};

/// Ranks with a screen, and with exact similarities for the pairs that it does not decide.
class Ranker {
 public:
  Ranker(const ExactScores& exact, const Relation& relation)
      : exact_(exact),
        positives_(relation.positives, exact),
        excluded_(relation.excluded, exact),
        rows_(exact.queries()),
        columns_(exact.candidates()) {
    std::vector<double> scores(relation.positives.size());
    exact.exact(relation.positives, scores);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const Match& match = relation.positives[i];
      rows_.raise(match.query, scores[i]), columns_.raise(match.candidate, scores[i]);
    }
  }

  Ranking run() {
    std::vector<Screen> screens = exact_.screens();
    tensor::Arena arena;
    for (std::size_t i = 0; i < screens.size(); ++i) {
      const Screen& screen = screens[i];
      const Limits rows(rows_, screen.query_errors), columns(columns_, screen.candidate_errors);
      const bool last = i + 1 == screens.size();
      for (; next_ < blocks(); ++next_)
        if (!decide(screen, rows, columns, last, arena)) break;
    }
    return {rows_.ranks(), columns_.ranks()};
  }

 private:
  static constexpr std::int64_t kRows = 32;  // that a thread takes at once

  std::int64_t across() const { return (exact_.candidates() + kCandidateBlock - 1) / kCandidateBlock; }
  std::int64_t blocks() const { return (exact_.queries() + kQueryBlock - 1) / kQueryBlock * across(); }

  /// Ranks the next section. Returns false without a change if a more exact screen would be faster.
  bool decide(const Screen& screen, const Limits& rows, const Limits& columns, bool last, tensor::Arena& arena) {
    constexpr double kMaxDoubts = 0.05;  // of all pairs: each costs as much as twenty in the GEMM of the next screen
    const std::int64_t query = next_ / across() * kQueryBlock, candidate = next_ % across() * kCandidateBlock;
    const tensor::Arena::Scope scope(arena);
    const ScoreBlock block{query, candidate,
                           arena.matrix(tensor::DType::f32, std::min(kQueryBlock, exact_.queries() - query),
                                        std::min(kCandidateBlock, exact_.candidates() - candidate))};
    screen.scores->fill(query, candidate, block.scores_QC);
    remove(block, excluded_.of(block));
    remove(block, positives_.of(block));
    std::vector<Decided> parts(static_cast<std::size_t>((block.scores_QC.rows + kRows - 1) / kRows));
    parallel_for(std::ssize(parts), 1, [&](std::int64_t part) {
      parts[static_cast<std::size_t>(part)] = scan(block, part * kRows, screen, rows, columns);
    });
    std::size_t doubts = 0;
    for (const Decided& part : parts) doubts += part.doubts.size();
    const auto pairs = static_cast<double>(block.scores_QC.rows * block.scores_QC.columns);
    if (!last && static_cast<double>(doubts) > kMaxDoubts * pairs) return false;
    take(block, parts);
    return true;
  }

  static Decided scan(const ScoreBlock& block, std::int64_t first, const Screen& screen, const Limits& rows,
                      const Limits& columns);

  void take(const ScoreBlock& block, const std::vector<Decided>& parts) {
    std::vector<Doubt> doubts;
    auto row = static_cast<std::size_t>(block.query);
    for (const Decided& part : parts) {
      for (const std::int32_t count : part.above_rows) rows_.above[row++] += count;
      for (std::size_t c = 0; c < part.above_columns.size(); ++c)
        columns_.above[static_cast<std::size_t>(block.candidate) + c] += part.above_columns[c];
      doubts.insert(doubts.end(), part.doubts.begin(), part.doubts.end());
    }
    resolve(by_candidate(doubts));
  }

  void resolve(const std::vector<Doubt>& doubts) {
    std::vector<Match> matches;
    for (const Doubt& doubt : doubts) matches.push_back({doubt.query, doubt.candidate});
    std::vector<double> scores(matches.size());
    exact_.exact(matches, scores);
    for (std::size_t i = 0; i < doubts.size(); ++i) {
      if (doubts[i].of_query) rows_.count(doubts[i].query, scores[i]);
      if (doubts[i].of_candidate) columns_.count(doubts[i].candidate, scores[i]);
    }
  }

  const ExactScores& exact_;
  const MatchesByBlock positives_, excluded_;
  Tally rows_, columns_;
  std::int64_t next_ = 0;  // the next section
};

Decided Ranker::scan(const ScoreBlock& block, std::int64_t first, const Screen& screen, const Limits& rows,
                     const Limits& columns) {
  constexpr std::int64_t kStrip = 64;  // pairs that are looked at together
  const std::int64_t last = std::min(first + kRows, block.scores_QC.rows), width = block.scores_QC.columns;
  const float* error_C = screen.candidate_errors.data() + block.candidate;
  const float *high_C = columns.high.data() + block.candidate, *low_C = columns.low.data() + block.candidate;
  Decided decided;
  decided.above_columns.resize(static_cast<std::size_t>(width));
  for (std::int64_t q = first; q < last; ++q) {
    const auto row = static_cast<std::size_t>(block.query + q);
    const float high = rows.high[row], low = rows.low[row], error = screen.query_errors[row];
    const float* scores = block.scores_QC.row<float>(q);
    std::int32_t above = 0;
    for (std::int64_t begin = 0; begin < width; begin += kStrip) {
      const std::int64_t end = std::min(begin + kStrip, width);
      std::int32_t doubtful = 0;
      for (std::int64_t c = begin; c < end; ++c) {
        const float score = scores[c], min_c = score - error_C[c], max_c = score + error_C[c];
        const std::int32_t over_row = min_c > high, over_column = score - error > high_C[c];
        above += over_row;
        decided.above_columns[static_cast<std::size_t>(c)] += over_column;
        doubtful |= ((max_c >= low) ^ over_row) | ((score + error >= low_C[c]) ^ over_column);
      }
      if (doubtful == 0) continue;
      for (std::int64_t c = begin; c < end; ++c) {
        const float score = scores[c];
        const bool of_query = score + error_C[c] >= low && !(score - error_C[c] > high);
        const bool of_candidate = score + error >= low_C[c] && !(score - error > high_C[c]);
        if (of_query || of_candidate)
          decided.doubts.push_back({static_cast<std::int32_t>(block.query + q),
                                    static_cast<std::int32_t>(block.candidate + c), of_query, of_candidate});
      }
    }
    decided.above_rows.push_back(above);
  }
  return decided;
}

}  // namespace

Ranking rank_positives(const ExactScores& scores, const Relation& relation) { return Ranker(scores, relation).run(); }

Recall recall_at(std::span<const std::optional<Rank>> ranks, std::int64_t k) {
  std::int64_t best = 0, worst = 0, all = 0;
  for (const std::optional<Rank>& rank : ranks) {
    if (!rank) continue;
    ++all, best += rank->best < k, worst += rank->worst < k;
  }
  return {static_cast<double>(best) / static_cast<double>(all), static_cast<double>(worst) / static_cast<double>(all)};
}

}  // namespace e5v::vectors

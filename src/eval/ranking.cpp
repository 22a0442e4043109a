#include "eval/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/parallel.h"

namespace e5v::eval {
namespace {

constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Matches by the block that they lie in.
class MatchesByBlock {
 public:
  MatchesByBlock(std::span<const Match> matches, const Scores& scores) {
    for (const Match& match : matches) {
      require(match.query >= 0 && match.query < scores.queries() && match.candidate >= 0 &&
                  match.candidate < scores.candidates(),
              "[ranking] query {} and candidate {} are matched, but there are {} and {}", match.query, match.candidate,
              scores.queries(), scores.candidates());
      matches_[{match.query / kQueryBlock, match.candidate / kCandidateBlock}].push_back(match);
    }
  }

  std::span<const Match> of(std::int64_t query, std::int64_t candidate) const {
    const auto found = matches_.find({query / kQueryBlock, candidate / kCandidateBlock});
    return found == matches_.end() ? std::span<const Match>() : found->second;
  }
  std::span<const Match> of(const ScoreBlock& block) const { return of(block.query, block.candidate); }

 private:
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Match>> matches_;
};

/// Takes matches out of the order.
void remove(const ScoreBlock& block, std::span<const Match> matches) {
  for (const Match& match : matches) block.at(match.query, match.candidate) = kLowest;
}

/// For each row or column: the similarity of its best positive, and how many others lie above it or beside it.
struct Tally {
  std::vector<float> positive;
  std::vector<std::int64_t> above, beside;

  explicit Tally(std::int64_t count)
      : positive(static_cast<std::size_t>(count), kLowest), above(positive.size()), beside(positive.size()) {}

  void raise(std::int64_t index, float score) {
    float& best = positive[static_cast<std::size_t>(index)];
    best = std::max(best, score);
  }

  std::vector<std::optional<Rank>> ranks() const {
    std::vector<std::optional<Rank>> result(positive.size());
    for (std::size_t i = 0; i < positive.size(); ++i)
      if (positive[i] != kLowest) result[i] = Rank{above[i], above[i] + beside[i]};
    return result;
  }
};

void count_rows(const ScoreBlock& block, Tally& tally) {
  parallel_for(block.scores_QC.rows, 16, [&](std::int64_t q) {
    const auto index = static_cast<std::size_t>(block.query + q);
    const float positive = tally.positive[index];
    if (positive == kLowest) return;
    const float* scores = block.scores_QC.row<float>(q);
    std::int32_t above = 0, beside = 0;
    for (std::int64_t c = 0; c < block.scores_QC.columns; ++c) {
      above += scores[c] > positive;
      beside += scores[c] == positive;
    }
    tally.above[index] += above, tally.beside[index] += beside;
  });
}

void count_columns(const ScoreBlock& block, Tally& tally) {
  constexpr std::int64_t kStrip = 256;  // columns whose counts stay in the first cache
  const std::int64_t columns = block.scores_QC.columns;
  parallel_for((columns + kStrip - 1) / kStrip, 1, [&](std::int64_t strip) {
    const std::int64_t begin = strip * kStrip, count = std::min(kStrip, columns - begin);
    const float* positive = tally.positive.data() + block.candidate + begin;
    std::int32_t above[kStrip]{}, beside[kStrip]{};
    for (std::int64_t q = 0; q < block.scores_QC.rows; ++q) {
      const float* scores = block.scores_QC.row<float>(q) + begin;
      for (std::int64_t c = 0; c < count; ++c) {
        above[c] += scores[c] > positive[c];
        beside[c] += scores[c] == positive[c];
      }
    }
    for (std::int64_t c = 0; c < count; ++c) {
      const auto index = static_cast<std::size_t>(block.candidate + begin + c);
      tally.above[index] += above[c], tally.beside[index] += beside[c];
    }
  });
}

/// Similarities that are wanted twice, of which as many blocks as there is room for are computed once.
class KeptScores : public Scores {
 public:
  explicit KeptScores(const Scores& scores) : scores_(scores) {}
  std::int64_t queries() const override { return scores_.queries(); }
  std::int64_t candidates() const override { return scores_.candidates(); }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override {
    const auto found = kept_.find({query, candidate});
    if (found != kept_.end()) return copy(tensor::matrix_of(found->second.view()), out_QC);
    scores_.fill(query, candidate, out_QC);
    constexpr std::int64_t kMost = std::int64_t{1} << 27;  // similarities: half a GiB
    if (numbers_ + out_QC.rows * out_QC.columns > kMost) return;
    numbers_ += out_QC.rows * out_QC.columns;
    tensor::Tensor block(tensor::DType::f32, {out_QC.rows, out_QC.columns});
    copy(out_QC, tensor::matrix_of(block));
    kept_.emplace(std::pair(query, candidate), std::move(block));
  }

 private:
  static void copy(tensor::ConstMatrix from, tensor::Matrix to) {
    parallel_for(from.rows, 16,
                 [&](std::int64_t i) { std::copy_n(from.row<float>(i), from.columns, to.row<float>(i)); });
  }

  const Scores& scores_;
  mutable std::map<std::pair<std::int64_t, std::int64_t>, tensor::Tensor> kept_;
  mutable std::int64_t numbers_ = 0;
};

bool comes_first(const Neighbour& a, const Neighbour& b) {
  return a.score > b.score || (a.score == b.score && a.candidate < b.candidate);
}

/// Enters a row of similarities into the best of a query, kept as a heap with the worst on top.
void enter(const float* scores, std::int64_t count, std::int64_t first, std::size_t k, std::vector<Neighbour>& best) {
  for (std::int64_t c = 0; c < count; ++c) {
    if (scores[c] == kLowest) continue;
    const Neighbour neighbour{first + c, scores[c]};
    if (best.size() == k) {
      if (!comes_first(neighbour, best.front())) continue;
      std::pop_heap(best.begin(), best.end(), comes_first);
      best.pop_back();
    }
    best.push_back(neighbour);
    std::push_heap(best.begin(), best.end(), comes_first);
  }
}

}  // namespace

Ranking rank_positives(const Scores& all, const Relation& relation) {
  const KeptScores scores(all);
  const MatchesByBlock positives(relation.positives, scores), excluded(relation.excluded, scores);
  Tally rows(scores.queries()), columns(scores.candidates());
  for_each_block(
      scores,
      [&](const ScoreBlock& block) {
        remove(block, excluded.of(block));
        for (const Match& match : positives.of(block)) {
          const float score = block.at(match.query, match.candidate);
          rows.raise(match.query, score), columns.raise(match.candidate, score);
        }
      },
      [&](std::int64_t query, std::int64_t candidate) { return !positives.of(query, candidate).empty(); });
  for_each_block(scores, [&](const ScoreBlock& block) {
    remove(block, excluded.of(block));
    remove(block, positives.of(block));
    count_rows(block, rows);
    count_columns(block, columns);
  });
  // What was removed lies beside a positive only where that one is lowest itself, and such have no rank.
  return {rows.ranks(), columns.ranks()};
}

Recall recall_at(std::span<const std::optional<Rank>> ranks, std::int64_t k) {
  std::int64_t best = 0, worst = 0, all = 0;
  for (const std::optional<Rank>& rank : ranks) {
    if (!rank) continue;
    ++all, best += rank->best < k, worst += rank->worst < k;
  }
  return {static_cast<double>(best) / static_cast<double>(all), static_cast<double>(worst) / static_cast<double>(all)};
}

void add_recalls(Result& result, std::string_view direction, std::span<const std::optional<Rank>> ranks,
                 std::span<const double> paper) {
  constexpr std::array<std::int64_t, 3> kDepths{1, 5, 10};
  for (std::size_t i = 0; i < kDepths.size(); ++i) {
    const Recall recall = recall_at(ranks, kDepths[i]);
    Figure figure{fmt::format("{} R@{}", direction, kDepths[i]), 100 * recall.pessimistic};
    figure.headline = i == 0;
    if (!paper.empty()) figure.paper = paper[i];
    if (recall.optimistic != recall.pessimistic) figure.optimistic = 100 * recall.optimistic;
    result.figures.push_back(std::move(figure));
  }
}

std::vector<std::vector<Neighbour>> top_k(const Scores& scores, std::int64_t k, std::span<const Match> excluded) {
  require(k > 0, "[ranking] the first {} of a list are wanted, expected at least 1", k);
  const MatchesByBlock removed(excluded, scores);
  std::vector<std::vector<Neighbour>> best(static_cast<std::size_t>(scores.queries()));
  for_each_block(scores, [&](const ScoreBlock& block) {
    remove(block, removed.of(block));
    parallel_for(block.scores_QC.rows, 16, [&](std::int64_t q) {
      enter(block.scores_QC.row<float>(q), block.scores_QC.columns, block.candidate, static_cast<std::size_t>(k),
            best[static_cast<std::size_t>(block.query + q)]);
    });
  });
  for (std::vector<Neighbour>& list : best) std::sort(list.begin(), list.end(), comes_first);
  return best;
}

}  // namespace e5v::eval

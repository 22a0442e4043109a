#include "eval/examples.h"

#include <algorithm>
#include <set>

#include "vectors/top_k.h"

namespace e5v::eval {
namespace {

constexpr std::int64_t kFound = 5;  // candidates that are shown with each query

void fill_rows(const vectors::Scores& scores, std::span<const std::int64_t> rows, std::int64_t candidate,
               tensor::Matrix out_QC) {
  for (std::int64_t q = 0; q < out_QC.rows; ++q)
    scores.fill(rows[static_cast<std::size_t>(q)], candidate, out_QC.row_range(q, 1));
}

/// Approximate similarities of some of the queries.
class SomeRows : public vectors::Scores {
 public:
  SomeRows(std::unique_ptr<vectors::Scores> scores, const std::vector<std::int64_t>& rows)
      : scores_(std::move(scores)), rows_(rows) {}
  std::int64_t queries() const override { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t candidates() const override { return scores_->candidates(); }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override {
    fill_rows(*scores_, std::span(rows_).subspan(static_cast<std::size_t>(query)), candidate, out_QC);
  }

 private:
  std::unique_ptr<vectors::Scores> scores_;
  const std::vector<std::int64_t>& rows_;
};

/// The similarities of some of the queries.
class SomeQueries : public vectors::ExactScores {
 public:
  SomeQueries(const vectors::ExactScores& scores, const std::vector<std::int64_t>& rows)
      : scores_(scores), rows_(rows) {}
  std::int64_t queries() const override { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t candidates() const override { return scores_.candidates(); }
  void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override {
    fill_rows(scores_, std::span(rows_).subspan(static_cast<std::size_t>(query)), candidate, out_QC);
  }
  void exact(std::span<const vectors::Match> matches, std::span<double> scores) const override {
    std::vector<vectors::Match> of_all(matches.begin(), matches.end());
    for (vectors::Match& match : of_all) match.query = rows_[static_cast<std::size_t>(match.query)];
    scores_.exact(of_all, scores);
  }
  std::vector<vectors::Screen> screens() const override {
    std::vector<vectors::Screen> screens;
    for (vectors::Screen& screen : scores_.screens()) {
      std::vector<float> errors;
      for (const std::int64_t row : rows_) errors.push_back(screen.query_errors[static_cast<std::size_t>(row)]);
      screens.push_back({std::make_unique<SomeRows>(std::move(screen.scores), rows_), std::move(errors),
                         std::move(screen.candidate_errors)});
    }
    return screens;
  }

 private:
  const vectors::ExactScores& scores_;
  const std::vector<std::int64_t>& rows_;
};

/// Queries, ordered by rank. Queries of equal rank keep their order.
std::vector<std::int64_t> by_rank(std::span<const std::optional<vectors::Rank>> ranks) {
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i]) order.push_back(static_cast<std::int64_t>(i));
  std::ranges::stable_sort(order, {}, [&](std::int64_t i) { return ranks[static_cast<std::size_t>(i)]->worst; });
  return order;
}

/// `count` of the queries of rank 1, spread evenly over the list. If there are too few, the queries with the best
/// ranks.
std::vector<std::int64_t> pick_best(const std::vector<std::int64_t>& order,
                                    std::span<const std::optional<vectors::Rank>> ranks, std::size_t count) {
  const auto end =
      std::ranges::find_if(order, [&](std::int64_t i) { return ranks[static_cast<std::size_t>(i)]->worst > 0; });
  const auto right = static_cast<std::size_t>(end - order.begin());
  if (right <= count)
    return {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()))};
  std::vector<std::int64_t> picked;
  for (std::size_t i = 0; i < count; ++i) picked.push_back(order[i * right / count]);
  return picked;
}

}  // namespace

void add_examples(Result& result, const vectors::ExactScores& scores, const vectors::Relation& relation,
                  std::span<const std::optional<vectors::Rank>> ranks, const Showing& showing, std::size_t count) {
  const std::vector<std::int64_t> order = by_rank(ranks);
  const std::vector<std::int64_t> best = pick_best(order, ranks, count);
  const std::vector<std::int64_t> worst(order.rbegin(),
                                        order.rbegin() + static_cast<std::ptrdiff_t>(std::min(count, order.size())));
  const std::set<vectors::Match> positives(relation.positives.begin(), relation.positives.end());
  const auto examples = [&](const std::vector<std::int64_t>& queries) {
    std::vector<vectors::Match> excluded;
    for (const vectors::Match& match : relation.excluded) {
      const auto at = std::ranges::find(queries, match.query);
      if (at != queries.end()) excluded.push_back({at - queries.begin(), match.candidate});
    }
    const auto lists = vectors::top_k(SomeQueries(scores, queries), kFound, excluded);
    std::vector<Example> list;
    for (std::size_t i = 0; i < queries.size(); ++i) {
      Example example{showing.query(queries[i]), ranks[static_cast<std::size_t>(queries[i])]->worst + 1, {}};
      for (const vectors::Neighbour& n : lists[i])
        example.found.push_back(
            {showing.candidate(n.candidate), n.score, positives.contains({queries[i], n.candidate})});
      list.push_back(std::move(example));
    }
    return list;
  };
  result.best = examples(best);
  result.worst = examples(worst);
}

}  // namespace e5v::eval

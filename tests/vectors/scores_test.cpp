#include "vectors/scores.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "tensor/tensor.h"
#include "vectors/vector_index.h"

namespace e5v::vectors {
namespace {

using testing::ElementsAre;
using testing::ThrowsMessage;

tensor::Tensor rows_of(std::int64_t columns, const std::vector<float>& values) {
  return tensor::Tensor::from(std::span(values), {std::ssize(values) / columns, columns});
}

std::vector<float> all_of(const Scores& scores) {
  std::vector<float> result;
  for_each_block(scores, [&](const ScoreBlock& block) {
    for (std::int64_t q = 0; q < block.scores_QC.rows; ++q)
      result.insert(result.end(), block.scores_QC.row<float>(q),
                    block.scores_QC.row<float>(q) + block.scores_QC.columns);
  });
  return result;
}

TEST(VectorScores, AreDotProducts) {
  const tensor::Tensor queries = rows_of(2, {1, 2, 3, 4}), candidates = rows_of(2, {1, 0, 0, 1, 1, 1});
  const VectorIndex index(tensor::matrix_of(candidates.view()));
  for (const VectorScores& scores :
       {VectorScores(tensor::matrix_of(queries.view()), tensor::matrix_of(candidates.view())),
        VectorScores(tensor::matrix_of(queries.view()), index)}) {
    EXPECT_EQ(scores.queries(), 2);
    EXPECT_EQ(scores.candidates(), 3);
    EXPECT_THAT(all_of(scores), ElementsAre(1, 2, 3, 3, 4, 7));
    const Match matches[]{{1, 2}, {0, 1}};
    double exact[2];
    scores.exact(matches, exact);
    EXPECT_THAT(exact, ElementsAre(7, 2));
  }
}

TEST(VectorScores, ExactOnesAreSummedInDouble) {
  const tensor::Tensor queries = rows_of(3, {1e8f, 1, -1e8f}), candidates = rows_of(3, {1, 1, 1});
  const VectorScores scores(tensor::matrix_of(queries.view()), tensor::matrix_of(candidates.view()));
  const Match match;
  double exact = 0;
  scores.exact({&match, 1}, {&exact, 1});
  EXPECT_EQ(exact, 1);
}

TEST(VectorScores, RefuseOtherWidthsAndGaps) {
  const tensor::Tensor queries = rows_of(2, {1, 2}), candidates = rows_of(3, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT([&] { VectorScores(tensor::matrix_of(queries.view()), tensor::matrix_of(candidates.view())); },
              ThrowsMessage<InvalidInput>("[similarity] queries have 2 numbers a vector, candidates 3"));
  EXPECT_THAT(
      [&] { VectorScores(tensor::matrix_of(queries.view()), tensor::matrix_of(candidates.view()).column_range(0, 2)); },
      ThrowsMessage<InvalidInput>("[similarity] candidates lie 3 numbers apart, expected 2"));
}

TEST(GivenScores, AreTheirOwnScreen) {
  const tensor::Tensor given = rows_of(3, {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f});
  const GivenScores scores(tensor::matrix_of(given.view()));
  EXPECT_THAT(all_of(scores), ElementsAre(0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f));
  const auto screens = scores.screens();
  ASSERT_EQ(screens.size(), 1u);
  EXPECT_EQ(all_of(*screens[0].scores), all_of(scores));
  EXPECT_THAT(screens[0].query_errors, ElementsAre(0, 0));
  EXPECT_THAT(screens[0].candidate_errors, ElementsAre(0, 0, 0));
}

TEST(Scores, BlocksCoverAllPairsOnceAndThoseOfAQueryFollowEachOther) {
  class Numbered : public Scores {
   public:
    std::int64_t queries() const override { return kQueryBlock + 3; }
    std::int64_t candidates() const override { return kCandidateBlock + 5; }
    void fill(std::int64_t query, std::int64_t candidate, tensor::Matrix out_QC) const override {
      out_QC.row<float>(0)[0] = static_cast<float>(query + candidate);
    }
  };
  std::vector<std::pair<std::int64_t, std::int64_t>> places;
  std::int64_t pairs = 0;
  for_each_block(Numbered(), [&](const ScoreBlock& block) {
    places.emplace_back(block.query, block.candidate);
    pairs += block.scores_QC.rows * block.scores_QC.columns;
    EXPECT_EQ(block.at(block.query, block.candidate), static_cast<float>(block.query + block.candidate));
  });
  EXPECT_EQ(pairs, Numbered().queries() * Numbered().candidates());
  EXPECT_THAT(places, ElementsAre(std::pair(0, 0), std::pair(0, kCandidateBlock), std::pair(kQueryBlock, 0),
                                  std::pair(kQueryBlock, kCandidateBlock)));
}

TEST(Scores, MatchesMustBeInRange) {
  const tensor::Tensor given = rows_of(3, {1, 2, 3, 4, 5, 6});
  const GivenScores scores(tensor::matrix_of(given.view()));
  const auto check = [&](std::int64_t query, std::int64_t candidate) {
    const Match match{query, candidate};
    require_in_range({&match, 1}, scores);
  };
  EXPECT_NO_THROW(check(1, 2));
  for (const auto& [query, candidate] : {std::pair(2, 0), std::pair(0, 3), std::pair(-1, 0), std::pair(0, -1)})
    EXPECT_THROW(check(query, candidate), InvalidInput);
  EXPECT_THAT([&] { check(2, 0); },
              ThrowsMessage<InvalidInput>("[ranking] query 2 and candidate 0 are matched, but there are 2 and 3"));
}

}  // namespace
}  // namespace e5v::vectors

#include "eval/examples.h"

#include <gmock/gmock.h>

#include "tensor/tensor.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;

/// Query i belongs to candidate i, which is similar to it in `right`; all other similarities are told apart.
struct MadeExamples {
  static constexpr std::int64_t kQueries = 12, kCandidates = 20;
  tensor::Tensor scores{tensor::DType::f32, {kQueries, kCandidates}};
  vectors::Relation relation;

  explicit MadeExamples(std::int64_t wrong) {
    for (std::int64_t q = 0; q < kQueries; ++q) {
      relation.positives.push_back({q, q});
      for (std::int64_t c = 0; c < kCandidates; ++c)
        tensor::matrix_of(scores).row<float>(q)[c] = 0.01f * static_cast<float>(c);
      tensor::matrix_of(scores).row<float>(q)[q] = q < wrong ? -1.0f : 1.0f;
    }
  }
  Result show(std::size_t count, const std::vector<vectors::Match>& excluded = {}) {
    relation.excluded = excluded;
    const vectors::GivenScores given(tensor::matrix_of(scores.view()));
    const vectors::Ranking ranking = vectors::rank_positives(given, relation);
    Result result;
    add_examples(result, given, relation, ranking.of_queries,
                 {[](std::int64_t i) {
                    return Shown{"q" + std::to_string(i), {}};
                  },
                  [](std::int64_t i) {
                    return Shown{"c" + std::to_string(i), {}};
                  }},
                 count);
    return result;
  }
};

std::vector<std::string> queries_of(const std::vector<Example>& examples) {
  std::vector<std::string> names;
  for (const Example& example : examples) names.push_back(example.query.text);
  return names;
}

TEST(Examples, BestAreSpreadOverThoseThatWereRightAndWorstAreTheLast) {
  MadeExamples made(2);
  const Result result = made.show(3);
  EXPECT_THAT(queries_of(result.best), ElementsAre("q2", "q5", "q8"));
  EXPECT_THAT(queries_of(result.worst), ElementsAre("q1", "q0", "q11"));
  EXPECT_EQ(result.best[0].rank, 1);
  EXPECT_EQ(result.worst[0].rank, 20);
}

TEST(Examples, ShowTheFirstFiveCandidatesInOrder) {
  MadeExamples made(2);
  const Result result = made.show(3);
  const auto found = [](const Example& example) {
    std::vector<std::string> names;
    for (const Example::Found& one : example.found) names.push_back(one.candidate.text + (one.right ? "!" : ""));
    return names;
  };
  EXPECT_THAT(found(result.best[0]), ElementsAre("c2!", "c19", "c18", "c17", "c16"));
  EXPECT_THAT(found(result.worst[0]), ElementsAre("c19", "c18", "c17", "c16", "c15"));
  EXPECT_EQ(result.best[0].found[0].score, 1);
  EXPECT_FLOAT_EQ(static_cast<float>(result.best[0].found[1].score), 0.19f);
}

TEST(Examples, LeaveOutWhatIsExcludedForTheirQuery) {
  MadeExamples made(2);
  const Result result = made.show(3, {{2, 19}, {0, 18}});
  EXPECT_EQ(result.best[0].found[1].candidate.text, "c18");   // q2 may not find c19
  EXPECT_EQ(result.best[1].found[1].candidate.text, "c19");   // q5 may
  EXPECT_EQ(result.worst[1].found[1].candidate.text, "c17");  // q0 may not find c18
}

TEST(Examples, WhenFewWereRightTheBestOfTheOthersAreShown) {
  MadeExamples made(11);
  EXPECT_EQ(queries_of(made.show(3).best)[0], "q11");
  EXPECT_EQ(made.show(3).best.size(), 3u);
}

}  // namespace
}  // namespace e5v::eval

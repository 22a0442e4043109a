#include "eval/recalls.h"

#include <gmock/gmock.h>

#include <cmath>

namespace e5v::eval {
namespace {

TEST(Recalls, AreInPercentAtThreeDepthsAndTheFirstStandsForAll) {
  Result result;
  const std::optional<vectors::Rank> ranks[]{vectors::Rank{0, 0}, vectors::Rank{3, 3}, std::nullopt,
                                             vectors::Rank{7, 7}, vectors::Rank{20, 20}};
  const double paper[]{1, 2, 3};
  add_recalls(result, "text to image", ranks, paper);
  ASSERT_EQ(result.figures.size(), 3u);
  const std::pair<const char*, double> expected[]{
      {"text to image R@1", 25}, {"text to image R@5", 50}, {"text to image R@10", 75}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(result.figures[i].name, expected[i].first);
    EXPECT_EQ(result.figures[i].value, expected[i].second);
    EXPECT_EQ(result.figures[i].paper, paper[i]);
    EXPECT_EQ(result.figures[i].headline, i == 0);
    EXPECT_FALSE(result.figures[i].optimistic) << "nothing is tied";
  }
}

TEST(Recalls, TiesCountAgainstTheModelAndAreTold) {
  Result result;
  const std::optional<vectors::Rank> rank = vectors::Rank{0, 1};
  add_recalls(result, "", {&rank, 1});
  EXPECT_EQ(result.figures[0].value, 0);
  EXPECT_EQ(result.figures[0].optimistic, 100);
  EXPECT_EQ(result.figures[1].value, 100);
  EXPECT_FALSE(result.figures[1].optimistic);
  EXPECT_FALSE(result.figures[0].paper);
}

}  // namespace
}  // namespace e5v::eval

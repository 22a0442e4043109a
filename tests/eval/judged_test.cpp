#include "eval/judged.h"

#include <gmock/gmock.h>

namespace e5v::eval {
namespace {

std::vector<JudgedPair> pairs_of(const std::vector<std::pair<double, double>>& values) {
  std::vector<JudgedPair> pairs;
  for (const auto& [gold, score] : values) pairs.push_back({{}, {}, gold, score});
  return pairs;
}

TEST(Judged, PlacesAreSharesOfTheOthersThatAreLess) {
  auto pairs = pairs_of({{5, 0.1}, {1, 0.9}, {1, 0.3}, {3, 0.2}, {4, 0.2}});
  place_pairs(pairs);
  EXPECT_EQ(pairs[0].gold_place, 1);
  EXPECT_EQ(pairs[0].place, 0);
  EXPECT_EQ(pairs[1].place, 1);
  EXPECT_EQ(pairs[1].gold_place, 0.125) << "equal ones share a place";
  EXPECT_EQ(pairs[3].place, 0.375);
}

TEST(Judged, ShowsWhatAgreesOverTheWholeScaleAndWhatDiffersMost) {
  std::vector<std::pair<double, double>> values;
  for (int i = 0; i < 40; ++i) values.emplace_back(i, i);
  values[10].second = 100, values[30].second = -100;
  auto pairs = pairs_of(values);
  place_pairs(pairs);
  Result result;
  add_judged(result, pairs, 2);
  ASSERT_EQ(result.disagreed.size(), 2u);
  EXPECT_EQ(result.disagreed[0].gold, 30);
  EXPECT_EQ(result.disagreed[1].gold, 10);
  ASSERT_EQ(result.agreed.size(), 2u);
  EXPECT_LT(result.agreed[0].gold, 20);
  EXPECT_GE(result.agreed[1].gold, 20);
  for (const JudgedPair& pair : result.agreed) EXPECT_EQ(pair.gold_place, pair.place);
}

TEST(Judged, StandsWithFewPairs) {
  Result result;
  add_judged(result, {});
  EXPECT_TRUE(result.agreed.empty());
  auto pairs = pairs_of({{1, 1}});
  place_pairs(pairs);
  add_judged(result, pairs);
  EXPECT_EQ(result.agreed.size(), 1u);
  EXPECT_EQ(json_of(result).at("disagreed").size(), 1u);
}

}  // namespace
}  // namespace e5v::eval

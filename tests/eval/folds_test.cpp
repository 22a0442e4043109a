#include "eval/folds.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;
using testing::ThrowsMessage;

TEST(Folds, AreThoseOfScikitLearn) {  // 1.9.1, StratifiedKFold(k, shuffle=True, random_state=seed)
  EXPECT_THAT(stratified_folds(std::vector{0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, 3, 1111),
              ElementsAre(2, 1, 0, 0, 0, 2, 1, 2, 1, 2, 1, 0));
  EXPECT_THAT(stratified_folds(std::vector{2, 0, 1, 1, 0, 2, 2, 1, 0, 0, 1, 2, 0, 5, 5, 5, 5}, 4, 7),
              ElementsAre(2, 1, 3, 1, 0, 1, 0, 0, 0, 3, 2, 3, 2, 1, 0, 3, 2));
}

TEST(Folds, SpreadEveryClass) {
  std::vector<int> labels;
  for (int i = 0; i < 103; ++i) labels.push_back(i % 7 == 0 ? 1 : 0);
  const std::vector<int> folds = stratified_folds(labels, 5, 3);
  for (int fold = 0; fold < 5; ++fold) {
    int rare = 0, all = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) all += folds[i] == fold, rare += folds[i] == fold && labels[i] == 1;
    EXPECT_GE(rare, 3);
    EXPECT_GE(all, 20);
    EXPECT_LE(all, 21);
  }
}

TEST(Folds, NeedMoreItemsThanFolds) {
  EXPECT_THAT(
      [] {
        stratified_folds(std::vector{0, 1, 0, 1}, 3, 1);
      },
      ThrowsMessage<InvalidInput>("[folds] every class has fewer items than the 3 folds"));
  EXPECT_THAT(
      [] {
        stratified_folds(std::vector{0, 1}, 1, 1);
      },
      ThrowsMessage<InvalidInput>("[folds] 1 folds, expected at least 2"));
}

}  // namespace
}  // namespace e5v::eval

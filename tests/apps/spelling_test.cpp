#include "spelling.h"

#include <gtest/gtest.h>

namespace e5v::app {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("model", "model"), 0u);
  EXPECT_EQ(edit_distance("modl", "model"), 1u);
  EXPECT_EQ(edit_distance("modell", "model"), 1u);
  EXPECT_EQ(edit_distance("modal", "model"), 1u);
  EXPECT_EQ(edit_distance("modle", "model"), 1u) << "neighbours that are swapped are one mistake";
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  for (const char* word : {"kitten", "", "model"})
    EXPECT_EQ(edit_distance(word, "sitting"), edit_distance("sitting", word));
}

const std::vector<Spelling> kNames{{"model", "--model"}, {"max-tiles", "--max-tiles"}, {"text", "--text"}};

TEST(Nearest, IsTheNameWithTheSmallestDistance) {
  EXPECT_EQ(nearest("modle", kNames), "--model");
  EXPECT_EQ(nearest("max_tile", kNames), "--max-tiles");
  EXPECT_EQ(nearest("max", kNames), "--max-tiles") << "the beginning of a name";
}

TEST(Nearest, ProposesNothingWhenTooMuchDiffers) {
  EXPECT_EQ(nearest("colour", kNames), std::nullopt);
  EXPECT_EQ(nearest("te", kNames), std::nullopt) << "two letters begin too many names";
  EXPECT_EQ(nearest("modle", {}), std::nullopt);
  EXPECT_EQ(nearest(std::string(1 << 20, 'x'), kNames), std::nullopt) << "at once";
}

TEST(DidYouMean, IsAnAdditionToAMessage) {
  EXPECT_EQ(did_you_mean("modle", kNames), ", did you mean --model?");
  EXPECT_EQ(did_you_mean("colour", kNames), "");
}

}  // namespace
}  // namespace e5v::app

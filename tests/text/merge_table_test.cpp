#include "text/merge_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace e5v::text {
namespace {

TEST(MergeTable, FindsWhatAMapWouldFind) {
  constexpr std::size_t kCount = 5000;
  MergeTable table(kCount);
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> expected;
  std::mt19937 random(1);
  const auto id = [&] { return static_cast<std::int32_t>(random() % 200); };  // pairs that lie close together
  for (std::int32_t rank = 0; expected.size() < kCount; ++rank) {
    const std::pair pair{id(), id()};
    expected[pair] = rank;
    table.set(pair.first, pair.second, {rank, rank + 1});
  }
  for (std::int32_t left = 0; left < 200; ++left) {
    for (std::int32_t right = 0; right < 200; ++right) {
      const auto found = expected.find({left, right});
      const Merge* merge = table.find(left, right);
      ASSERT_EQ(merge != nullptr, found != expected.end());
      if (merge == nullptr) continue;
      EXPECT_EQ(merge->rank, found->second) << "the last that was set";
      EXPECT_EQ(merge->id, found->second + 1);
    }
  }
}

TEST(MergeTable, TheOrderOfAPairCounts) {
  MergeTable table(1);
  table.set(1, 2, {0, 9});
  EXPECT_NE(table.find(1, 2), nullptr);
  EXPECT_EQ(table.find(2, 1), nullptr);
}

TEST(MergeTable, AnEmptyTableHasNothing) { EXPECT_EQ(MergeTable().find(0, 0), nullptr); }

}  // namespace
}  // namespace e5v::text

#include "train/batch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace e5v::train {
namespace {

TEST(BatchPlan, EveryRowOfEverySourceOnceAnEpoch) {
  std::vector<RowOrder> orders;
  orders.emplace_back(10, 2, 5);
  orders.emplace_back(7, 0, 5);
  const BatchPlan plan(std::move(orders), 4, 5);
  EXPECT_EQ(plan.batches_per_epoch(), 4);
  for (const std::int64_t epoch : {0, 1}) {
    std::map<std::size_t, std::vector<std::int64_t>> seen;
    for (std::int64_t i = 0; i < 4; ++i) {
      const BatchPlan::Batch batch = plan.at(epoch * 4 + i);
      EXPECT_EQ(batch.epoch, epoch);
      auto& rows = seen[batch.source];
      rows.insert(rows.end(), batch.rows.begin(), batch.rows.end());
    }
    for (auto& [source, rows] : seen) {
      std::ranges::sort(rows);
      EXPECT_EQ(rows.size(), source == 0 ? 8u : 7u);
      EXPECT_EQ(std::ranges::adjacent_find(rows), rows.end());
    }
  }
  EXPECT_THROW(BatchPlan({}, 4, 5), InvalidInput);
}

TEST(BatchPlan, FollowsFromItsSeed) {
  const auto plan = [](std::uint64_t seed) {
    std::vector<RowOrder> orders;
    for (const std::int64_t rows : {30, 20}) orders.emplace_back(rows, 0, seed);
    return BatchPlan(std::move(orders), 4, seed);
  };
  const BatchPlan first = plan(5), again = plan(5), other = plan(6);
  bool differs = false;
  for (std::int64_t step = 0; step < 2 * first.batches_per_epoch(); ++step) {
    EXPECT_EQ(first.at(step).source, again.at(step).source);
    EXPECT_EQ(first.at(step).rows, again.at(step).rows);
    differs |= first.at(step).rows != other.at(step).rows;
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace e5v::train

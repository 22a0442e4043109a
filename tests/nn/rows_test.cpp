#include "nn/rows.h"

#include <gmock/gmock.h>

namespace e5v::nn {
namespace {

TEST(PackedRows, KnowAllRowsAndThePooledOnes) {
  PackedRows rows;
  rows.positions_T = {0, 1, 2, 1};
  rows.names_T = {10, 11, 12, 13};
  rows.pooled_P = {2, 3};
  rows.pooled_positions_P = {2, 1};
  rows.pooled_names_P = {12, 13};
  const ops::RotaryTable table({1.0f}, 3);
  const Rows all = rows.all(&table), pooled = rows.pooled(&table);
  EXPECT_THAT(all.positions, testing::ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(all.names, testing::ElementsAre(10, 11, 12, 13));
  EXPECT_EQ(all.plan, &rows.plan);
  EXPECT_EQ(all.rotary, &table);
  EXPECT_FALSE(all.selected.has_value());
  EXPECT_FALSE(all.fine.all);
  EXPECT_THAT(all.fine.some, testing::ElementsAre(2, 3)) << "the rows that become vectors";
  EXPECT_THAT(pooled.positions, testing::ElementsAre(2, 1));
  EXPECT_THAT(pooled.names, testing::ElementsAre(12, 13));
  EXPECT_EQ(pooled.plan, &rows.pooled_plan);
  EXPECT_EQ(pooled.rotary, &table);
  ASSERT_TRUE(pooled.selected.has_value());
  EXPECT_THAT(*pooled.selected, testing::ElementsAre(2, 3));
  EXPECT_TRUE(pooled.fine.all);
}

}  // namespace
}  // namespace e5v::nn

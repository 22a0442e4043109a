#include "train/shuffle.h"

#include <gmock/gmock.h>

#include <numeric>
#include <set>
#include <vector>

#include "base/error.h"

namespace e5v::train {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::int64_t> all_of(const Permutation& order) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < order.size(); ++i) values.push_back(order.at(i));
  return values;
}

std::vector<std::int64_t> sorted(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<std::int64_t> up_to(std::int64_t size) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(size));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST(Permutation, HasEveryPlaceOnce) {
  for (const std::int64_t size : {1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000, 4097, 70000}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      EXPECT_EQ(sorted(all_of(Permutation(size, seed, 5))), up_to(size)) << size;
    }
  }
}

TEST(Permutation, IsTheSameEverywhere) {
  // From a second implementation: an order that changed would mix trained and held-out rows of a run that is resumed.
  EXPECT_THAT(all_of(Permutation(10, 42, 0)), ElementsAre(0, 5, 4, 9, 1, 2, 6, 3, 7, 8));
  EXPECT_EQ(Permutation(275601, 42, 1).at(0), 166753);
  EXPECT_EQ(Permutation(std::int64_t{1} << 40, 42, 1).at(12345), 768873389690);
}

TEST(Permutation, SeedsAndStreamsHaveTheirOwnOrders) {
  std::set<std::vector<std::int64_t>> orders;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t stream = 0; stream < 10; ++stream) orders.insert(all_of(Permutation(50, seed, stream)));
  }
  EXPECT_EQ(orders.size(), 100u);
}

TEST(Permutation, EveryValueComesToEveryPlace) {
  constexpr std::int64_t kSize = 6, kEach = 1000;
  for (const std::int64_t place : {0, 1, 5}) {
    std::vector<std::int64_t> counts(kSize);
    for (std::uint64_t seed = 0; seed < kSize * kEach; ++seed) {
      ++counts[static_cast<std::size_t>(Permutation(kSize, seed, 0).at(place))];
    }
    // Five standard deviations of a binomial with 6000 draws of 1/6 are 144.
    EXPECT_THAT(counts, Each(testing::AllOf(testing::Gt(kEach - 144), testing::Lt(kEach + 144))));
  }
}

TEST(Permutation, NeighboursArePartedAtRandom) {
  // The mean distance of two random values of [0, n) is n / 3.
  const Permutation order(100000, 3, 0);
  double sum = 0;
  for (std::int64_t i = 1; i < order.size(); ++i) sum += static_cast<double>(std::abs(order.at(i) - order.at(i - 1)));
  EXPECT_NEAR(sum / static_cast<double>(order.size()), 100000.0 / 3, 500);
}

/// 10 rows of group 0, 3 of group 1, one of group 2, two that are alone.
const std::vector<std::int32_t> kGroups{0, 1, 0, 0, 2, 0, -1, 0, 1, 0, 0, 0, -1, 0, 1, 0};

std::vector<std::int64_t> epoch_of(const RowOrder& order, std::int64_t epoch) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < order.training_rows(); ++i) rows.push_back(order.training(epoch, i));
  return rows;
}

TEST(RowOrder, GroupsComeInBunches) {
  const RowOrder order(kGroups, 4, 0, 7);
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const std::vector<std::int64_t> rows = epoch_of(order, epoch);
    ASSERT_EQ(sorted(rows), up_to(16)) << epoch;
    std::size_t run = 0;  // bunches of one group may meet
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto group = [&](std::size_t place) { return kGroups[static_cast<std::size_t>(rows[place])]; };
      ++run;
      if (i + 1 < rows.size() && group(i) == group(i + 1) && group(i) >= 0) continue;
      if (group(i) == 1) {
        EXPECT_EQ(run, 3u);
      }
      if (group(i) == 0) {
        EXPECT_THAT(run, testing::AnyOf(2u, 4u, 6u, 8u, 10u));
      }
      run = 0;
    }
  }
}

TEST(RowOrder, BunchesChangeFromEpochToEpoch) {
  const RowOrder order(kGroups, 4, 0, 7), again(kGroups, 4, 0, 7);
  std::set<std::vector<std::int64_t>> seen;
  for (std::int64_t epoch = 0; epoch < 10; ++epoch) seen.insert(epoch_of(order, epoch));
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(epoch_of(again, 3), epoch_of(order, 3));
  EXPECT_EQ(epoch_of(order, 2), epoch_of(again, 2));
}

TEST(RowOrder, WhatIsHeldOutOfGroupsStaysOut) {
  const RowOrder order(kGroups, 3, 5, 7);
  std::vector<std::int64_t> rows = epoch_of(order, 4);
  EXPECT_EQ(rows.size(), 11u);
  for (std::int64_t i = 0; i < 5; ++i) rows.push_back(order.held_out(i));
  EXPECT_EQ(sorted(rows), up_to(16));
  EXPECT_THAT([] { RowOrder(kGroups, 1, 0, 7); }, ThrowsMessage<InvalidInput>(HasSubstr("two rows together, found 1")));
  EXPECT_THAT([&] { order.training(0, 11); }, ThrowsMessage<InvalidInput>(HasSubstr("from 0 to below 11, found 11")));
}

TEST(Permutation, RefusesWhatIsOutside) {
  EXPECT_THAT([] { Permutation(0, 1, 1); }, ThrowsMessage<InvalidInput>(HasSubstr("at least one row, found 0")));
  EXPECT_THAT([] { Permutation(5, 1, 1).at(5); },
              ThrowsMessage<InvalidInput>("[shuffle] expected a place from 0 to below 5, found 5"));
  EXPECT_THROW(Permutation(5, 1, 1).at(-1), InvalidInput);
}

TEST(RowOrder, TrainsOnWhatItDoesNotHoldOut) {
  const RowOrder order(103, 20, 7);
  EXPECT_EQ(order.training_rows(), 83);
  EXPECT_EQ(order.held_out_rows(), 20);
  std::vector<std::int64_t> held_out;
  for (std::int64_t i = 0; i < 20; ++i) held_out.push_back(order.held_out(i));
  std::set<std::vector<std::int64_t>> epochs;
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < 83; ++i) rows.push_back(order.training(epoch, i));
    epochs.insert(rows);
    rows.insert(rows.end(), held_out.begin(), held_out.end());
    EXPECT_EQ(sorted(rows), up_to(103));
  }
  EXPECT_EQ(epochs.size(), 5u);
}

TEST(RowOrder, SeedPicksWhatIsHeldOut) {
  EXPECT_EQ(RowOrder(1000, 10, 1).held_out(3), RowOrder(1000, 10, 1).held_out(3));
  EXPECT_NE(RowOrder(1000, 10, 1).held_out(3), RowOrder(1000, 10, 2).held_out(3));
}

TEST(RowOrder, RefusesWhatLeavesNothingToTrain) {
  EXPECT_THAT([] { RowOrder(10, 10, 1); },
              ThrowsMessage<InvalidInput>("[shuffle] expected to hold out fewer than the 10 rows, found 10"));
  EXPECT_THROW(RowOrder(10, -1, 1), InvalidInput);
  EXPECT_THROW(RowOrder(10, 2, 1).held_out(2), InvalidInput);
  EXPECT_THROW(RowOrder(10, 2, 1).training(0, 8), InvalidInput);
  EXPECT_THROW(RowOrder(10, 2, 1).training(-1, 0), InvalidInput);
  EXPECT_THROW(RowOrder(10, 0, 1).held_out(0), InvalidInput);
}

}  // namespace
}  // namespace e5v::train

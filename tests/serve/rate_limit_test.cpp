#include "serve/rate_limit.h"

#include <gtest/gtest.h>

#include <ctime>

namespace e5v::serve {
namespace {

using std::chrono::milliseconds;

TEST(RateLimit, WithoutALimitAllMayCome) {
  RateLimit limit(0);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(limit.take("a"), 0);
}

TEST(RateLimit, TwiceTheRateAtOnceThenTheRate) {
  RateLimit limit(2);
  const RateLimit::Clock::time_point now{};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(limit.take("a", now), 0);
  EXPECT_DOUBLE_EQ(limit.take("a", now), 0.5);
  EXPECT_EQ(limit.take("b", now), 0);
  EXPECT_DOUBLE_EQ(limit.take("a", now + milliseconds(250)), 0.25);
  EXPECT_EQ(limit.take("a", now + milliseconds(500)), 0);
  EXPECT_GT(limit.take("a", now + milliseconds(500)), 0);
}

TEST(RateLimit, LessThanOneASecondIsALimit) {
  RateLimit limit(0.1);
  const RateLimit::Clock::time_point now{};
  EXPECT_EQ(limit.take("a", now), 0);
  EXPECT_DOUBLE_EQ(limit.take("a", now), 10);
  EXPECT_EQ(limit.take("a", now + std::chrono::seconds(10)), 0);
}

TEST(RateLimit, ManyClientsDoNotFillTheMemory) {
  RateLimit limit(1);
  const RateLimit::Clock::time_point now{};
  for (int i = 0; i < 30'000; ++i) limit.take(std::to_string(i), now + std::chrono::seconds(i));
  EXPECT_LE(limit.clients(), 10'000u);
}

TEST(RateLimit, ManyClientsAtOnceAreNotLookedAtForEachRequest) {
  RateLimit limit(1);
  const RateLimit::Clock::time_point now{std::chrono::hours(1)};
  const std::clock_t begin = std::clock();
  for (int i = 0; i < 30'000; ++i) limit.take(std::to_string(i), now);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 1);  // of the processor, not of the clock
  EXPECT_EQ(limit.clients(), 30'000u);
  limit.take("a", now + std::chrono::seconds(10));
  EXPECT_EQ(limit.clients(), 1u);
}

}  // namespace
}  // namespace e5v::serve

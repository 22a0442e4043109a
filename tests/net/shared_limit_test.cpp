#include "net/shared_limit.h"

#include <gtest/gtest.h>

namespace e5v::net {
namespace {

TEST(SharedLimit, OneClientGetsThreeQuarters) {
  SharedLimit limit(100);
  EXPECT_FALSE(limit.take("a", 76));
  EXPECT_TRUE(limit.take("a", 75));
  EXPECT_FALSE(limit.take("a", 1));
  EXPECT_TRUE(limit.take("b", 25));
  EXPECT_FALSE(limit.take("b", 1));
  EXPECT_EQ(limit.used(), 100u);
  limit.give_back("a", 75);
  EXPECT_TRUE(limit.take("b", 50));
  EXPECT_FALSE(limit.take("b", 1));
  EXPECT_EQ(limit.used(), 75u);
}

TEST(SharedLimit, ClientsOfUnixSocketsMayHaveAll) {
  SharedLimit limit(100);
  EXPECT_TRUE(limit.take("unix", 100));
  EXPECT_FALSE(limit.take("unix", 1));
}

TEST(SharedLimit, SmallLimitsAreUsedCompletely) {
  SharedLimit limit(2);
  EXPECT_TRUE(limit.take("a", 2));
  EXPECT_FALSE(limit.take("b", 1));
}

TEST(Share, IsGivenBackAtTheEnd) {
  const auto limit = std::make_shared<SharedLimit>(100);
  {
    Share share(limit, "a");
    EXPECT_TRUE(share.resize(60));
    EXPECT_FALSE(share.resize(80));
    EXPECT_EQ(share.amount(), 60u);
    EXPECT_TRUE(share.resize(40));
    EXPECT_EQ(limit->used(), 40u);
    const Share moved = std::move(share);
    EXPECT_EQ(limit->used(), 40u);
  }
  EXPECT_EQ(limit->used(), 0u);
}

}  // namespace
}  // namespace e5v::net

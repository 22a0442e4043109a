#include "scheduler/vector_cache.h"

#include <gmock/gmock.h>

namespace e5v::scheduler {
namespace {

Hash128 key(std::uint64_t number) { return {number, 0}; }
EmbeddedInput vector_of(float value) { return {std::vector<float>(4, value), 7, nullptr}; }
constexpr std::int64_t kEntry = VectorCache::kOverhead + 4 * sizeof(float);

TEST(VectorCache, KeepsWhatWasUsedLast) {
  VectorCache cache(3 * kEntry);
  for (const int number : {1, 2, 3}) cache.add(key(number), vector_of(static_cast<float>(number)));
  EXPECT_TRUE(cache.find(key(1)));  // and so 2 is the oldest
  cache.add(key(4), vector_of(4));
  EXPECT_FALSE(cache.find(key(2)));
  ASSERT_TRUE(cache.find(key(1)));
  EXPECT_EQ(cache.find(key(1))->vector[0], 1);
  EXPECT_EQ(cache.find(key(4))->tokens, 7);
}

TEST(VectorCache, ItsBytesAreBounded) {
  VectorCache cache(10 * kEntry + 1);
  for (std::uint64_t number = 0; number < 1000; ++number) {
    cache.add(key(number), vector_of(0));
    EXPECT_LE(cache.bytes(), 10 * kEntry);
  }
  EXPECT_EQ(cache.size(), 10u);
  cache.add(key(5000), {std::vector<float>(10000), 1, nullptr});  // too large alone: nothing goes for it
  EXPECT_EQ(cache.size(), 10u);
  cache.add(key(999), vector_of(1));
  EXPECT_EQ(cache.size(), 10u);
}

TEST(VectorCache, OfNoBytesKeepsNothing) {
  VectorCache cache(0);
  cache.add(key(1), vector_of(1));
  EXPECT_FALSE(cache.find(key(1)));
}

}  // namespace
}  // namespace e5v::scheduler

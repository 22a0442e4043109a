#include "base/read_ahead.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace e5v::embed {
namespace {

std::int64_t one(const int&) { return 1; }

TEST(ReadAhead, GivesEverythingInOrder) {
  int next = 0;
  ReadAhead<int> ahead([&]() -> std::optional<int> { return next < 1000 ? std::optional(next++) : std::nullopt; }, one,
                       16);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(ahead.pop(), i);
  EXPECT_EQ(ahead.pop(), std::nullopt);
  EXPECT_EQ(ahead.pop(), std::nullopt);
}

TEST(ReadAhead, StaysWithinItsCapacity) {
  std::atomic<int> produced = 0;
  ReadAhead<int> ahead([&]() -> std::optional<int> { return ++produced; }, [](const int&) { return std::int64_t{10}; },
                       30);
  for (int popped = 1; popped <= 20; ++popped) {
    ASSERT_EQ(ahead.pop(), popped);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_LE(produced, popped + 4);  // three waiting, and one in the producer's hand
  }
}

TEST(ReadAhead, AnItemHeavierThanTheCapacityPasses) {
  int next = 0;
  ReadAhead<int> ahead([&]() -> std::optional<int> { return next < 3 ? std::optional(next++) : std::nullopt; },
                       [](const int&) { return std::int64_t{100}; }, 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ahead.pop(), i);
  EXPECT_EQ(ahead.pop(), std::nullopt);
}

TEST(ReadAhead, ErrorsComeBehindTheItemsBeforeThem) {
  int next = 0;
  ReadAhead<int> ahead(
      [&]() -> std::optional<int> {
        if (next == 2) throw std::runtime_error("third");
        return next++;
      },
      one, 16);
  EXPECT_EQ(ahead.pop(), 0);
  EXPECT_EQ(ahead.pop(), 1);
  EXPECT_THAT([&] { ahead.pop(); }, testing::ThrowsMessage<std::runtime_error>("third"));
}

TEST(ReadAhead, DestructionStopsAnEndlessProducer) {
  std::atomic<int> produced = 0;
  {
    ReadAhead<int> ahead([&]() -> std::optional<int> { return ++produced; }, one, 4);
    EXPECT_EQ(ahead.pop(), 1);
  }
  const int at_end = produced;
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(produced, at_end);
}

TEST(ReadAhead, ProducersThatWaitSeeThatTheirConsumerIsGone) {
  EXPECT_FALSE(consumer_is_gone());
  bool seen = false;
  {
    ReadAhead<int> ahead(
        [&]() -> std::optional<int> {
          while (!consumer_is_gone()) std::this_thread::yield();
          seen = true;
          return std::nullopt;
        },
        one, 4);
  }
  EXPECT_TRUE(seen);
  EXPECT_FALSE(consumer_is_gone());
}

}  // namespace
}  // namespace e5v::embed

// Run by mpirun: every process runs every test, because the collective functions need all.
#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "processes/launch.h"

namespace e5v::processes {
namespace {

std::unique_ptr<Transport> engine;

/// What process r gives: other bytes for each process and place.
char byte_of(int process, std::size_t i) {
  return static_cast<char>((static_cast<std::size_t>(process) * 31 + i) % 251);
}

void pause_a_moment() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

TEST(MpiTransport, KnowsWhatTheLauncherKnows) {
  EXPECT_EQ(engine->index(), launch().index);
  EXPECT_EQ(engine->size(), launch().size);
}

TEST(MpiTransport, BroadcastsTheBytesOfProcess0) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}}) {
    std::vector<char> bytes(length), expected(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = byte_of(engine->index(), i), expected[i] = byte_of(0, i);
    engine->broadcast(bytes);
    EXPECT_EQ(bytes, expected) << length;
  }
}

/// Process r gives 3 r bytes, so process 0 gives none.
TEST(MpiTransport, GathersBytesOfAnyLengthInTheOrderOfProcesses) {
  std::vector<int> counts;
  std::vector<char> expected;
  for (int r = 0; r < engine->size(); ++r) {
    counts.push_back(3 * r);
    for (std::size_t i = 0; i < static_cast<std::size_t>(3 * r); ++i) expected.push_back(byte_of(r, i));
  }
  std::vector<char> mine(static_cast<std::size_t>(3 * engine->index())), all(expected.size());
  for (std::size_t i = 0; i < mine.size(); ++i) mine[i] = byte_of(engine->index(), i);
  engine->gather(mine, counts, all);
  EXPECT_EQ(all, expected);
}

/// Part s of process r arrives as part r of process s.
TEST(MpiTransport, ExchangesEqualParts) {
  constexpr std::size_t kPart = 5;
  const auto size = static_cast<std::size_t>(engine->size());
  const auto byte = [](std::size_t from, std::size_t to, std::size_t i) {
    return byte_of(static_cast<int>(10 * from + to), i);
  };
  std::vector<char> parts(size * kPart), received(size * kPart), expected(size * kPart);
  const auto own = static_cast<std::size_t>(engine->index());
  for (std::size_t other = 0; other < size; ++other) {
    for (std::size_t i = 0; i < kPart; ++i) {
      parts[other * kPart + i] = byte(own, other, i);
      expected[other * kPart + i] = byte(other, own, i);
    }
  }
  engine->exchange(parts, received);
  EXPECT_EQ(received, expected);
}

/// Empty, short and long messages, and one that a process sends to itself.
TEST(MpiTransport, PostedMessagesArriveInTheirOrder) {
  const int next = (engine->index() + 1) % engine->size();
  const int previous = (engine->index() + engine->size() - 1) % engine->size();
  const std::vector<std::size_t> lengths{3, 0, 1'000'000, 1};
  engine->barrier();
  EXPECT_FALSE(engine->try_receive(previous));
  engine->barrier();
  for (const std::size_t length : lengths)
    engine->post(next, std::string(length, static_cast<char>('a' + engine->index())));
  for (const std::size_t length : lengths) {
    std::optional<std::string> message;
    while (!(message = engine->try_receive(previous))) {
      engine->unsent();  // moves them on
      pause_a_moment();
    }
    EXPECT_TRUE(*message == std::string(length, static_cast<char>('a' + previous))) << length;
  }
  while (engine->unsent() > 0) pause_a_moment();
  EXPECT_FALSE(engine->try_receive(previous));
}

/// Nobody leaves before the last has come.
TEST(MpiTransport, BarriersWaitForAll) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLate{60};
  engine->barrier();
  const auto begin = Clock::now();
  if (engine->index() == engine->size() - 1) std::this_thread::sleep_for(kLate);
  engine->barrier();
  EXPECT_GE(Clock::now() - begin, kLate / 2);
}

}  // namespace
}  // namespace e5v::processes

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  e5v::processes::engine = e5v::processes::open_transport();
  const int failed = RUN_ALL_TESTS();
  e5v::processes::engine->finish();
  return failed;
}

#include "base/parallel.h"

#include <gmock/gmock.h>

#include <numeric>
#include <stdexcept>
#include <vector>

#include "base/cpu.h"

namespace e5v {
namespace {

/// Sets the number of threads for one test.
class Threads {
 public:
  explicit Threads(int count) { set_thread_count(count); }
  ~Threads() { set_thread_count(0); }
};

TEST(Parallel, ThreadCount) {
  {
    const Threads threads(3);
    EXPECT_EQ(thread_count(), 3);
  }
  EXPECT_EQ(thread_count(), this_machine().cores);
}

TEST(Parallel, EveryIndexOnce) {
  for (const int threads : {1, 2, 4}) {
    const Threads scope(threads);
    for (const std::int64_t count : {0, 1, 7, 64, 1001}) {
      for (const std::int64_t grain : {1, 8, 5000}) {
        std::vector<int> calls(static_cast<std::size_t>(count));
        parallel_for(count, grain, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
        EXPECT_EQ(calls, std::vector<int>(static_cast<std::size_t>(count), 1))
            << threads << " " << count << " " << grain;
      }
    }
  }
}

TEST(Parallel, UsesSeveralThreads) {
  const Threads threads(2);
  std::atomic<int> arrived = 0;
  // Each of the two calls waits for the other: with one thread this would not end.
  parallel_for(2, 1, [&](std::int64_t) {
    ++arrived;
    while (arrived < 2) {
    }
  });
  EXPECT_EQ(arrived, 2);
}

TEST(Parallel, FirstExceptionArrivesAndStopsTheRest) {
  for (const int threads : {1, 4}) {
    const Threads scope(threads);
    std::atomic<std::int64_t> calls = 0;
    constexpr std::int64_t kCount = 1'000'000;
    try {
      parallel_for(kCount, 1, [&](std::int64_t) {
        ++calls;
        throw std::runtime_error("from the body");
      });
      ADD_FAILURE() << "no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "from the body");
    }
    EXPECT_LE(calls, threads);
  }
}

TEST(Parallel, NestedLoopsRunInTheirThread) {
  const Threads threads(4);
  std::atomic<std::int64_t> sum = 0;
  parallel_for(8, 1, [&](std::int64_t i) { parallel_for(10, 1, [&](std::int64_t j) { sum += i * 10 + j; }); });
  EXPECT_EQ(sum, 79 * 80 / 2);
}

}  // namespace
}  // namespace e5v

#include "serve/library/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

#include "e5v/error.h"

namespace e5v::serve {
namespace {

TEST(Workers, JobsAreDoneInTheirOrder) {
  std::vector<int> order;
  std::promise<void> last;
  Workers workers(1, 100);
  for (int i = 0; i < 50; ++i) workers.post([&order, i] { order.push_back(i); });
  workers.post([&] { last.set_value(); });
  last.get_future().wait();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Workers, TooManyJobsAreRefused) {
  std::promise<void> began, go;
  Workers workers(1, 2);
  workers.post([&] {
    began.set_value();
    go.get_future().wait();
  });
  began.get_future().wait();
  workers.post([] {});
  workers.post([] {});
  EXPECT_THROW(workers.post([] {}), Overloaded);
  go.set_value();
}

TEST(Workers, TheEndDropsWhatWaits) {
  const auto held = std::make_shared<int>(1);
  std::atomic<int> done = 0;
  std::promise<void> began, go;
  {
    Workers workers(1, 100);
    workers.post([&] {
      began.set_value();
      go.get_future().wait();
      ++done;
    });
    began.get_future().wait();
    for (int i = 0; i < 10; ++i) workers.post([&done, held] { ++done; });
    std::thread([&go] { go.set_value(); }).join();
  }
  EXPECT_GE(done, 1);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace e5v::serve

#include "scheduler/compute_thread.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <string>

namespace e5v::scheduler {
namespace {

TEST(ComputeThread, RunsOnOneThreadAndThrowsWhatIsThrown) {
  ComputeThread thread(1);
  std::thread::id first, second;
  thread.run([&] { first = std::this_thread::get_id(); });
  thread.run([&] { second = std::this_thread::get_id(); });
  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
  EXPECT_THAT([&] { thread.run([] { throw std::runtime_error("broken"); }); },
              testing::ThrowsMessage<std::runtime_error>("broken"));
}

TEST(ComputeThread, CallsAndBatchesTakeTurns) {
  ComputeThread thread(1);
  std::string events;
  std::promise<void> begun, gate;
  int steps = 4;
  thread.set_step([&] {
    if (steps == 4) {
      begun.set_value();
      gate.get_future().wait();
    }
    events += 's';
    return --steps > 0;
  });
  thread.wake();
  begun.get_future().wait();
  std::atomic<int> waiting = 0;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      ++waiting;
      thread.run([&] { events += 'c'; });
    });
  }
  while (waiting < 2) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until both stand in the queue
  gate.set_value();
  callers.clear();
  thread.set_step(nullptr);
  EXPECT_THAT(events, testing::StartsWith("scsc"));
}

TEST(ComputeThread, IsWokenUnlessACallWouldDelayTheStep) {
  ComputeThread thread(1);
  EXPECT_FALSE(thread.wake_unless_called()) << "there is no step";
  std::promise<void> begun, gate, stepped;
  thread.set_step([&] {
    stepped.set_value();
    return false;
  });
  std::jthread caller([&] {
    thread.run([&] {
      begun.set_value();
      gate.get_future().wait();
    });
  });
  begun.get_future().wait();
  EXPECT_FALSE(thread.wake_unless_called()) << "it executes a call";
  gate.set_value();
  caller.join();
  EXPECT_TRUE(thread.wake_unless_called());
  stepped.get_future().wait();  // or it waits for ever
  thread.set_step(nullptr);
}

TEST(ComputeThread, AStepThatIsTakenAwayHasEnded) {
  ComputeThread thread(1);
  std::atomic<int> steps = 0;
  thread.set_step([&] {
    ++steps;
    return true;
  });
  thread.wake();
  while (steps == 0) std::this_thread::yield();
  thread.set_step(nullptr);
  const int ended = steps;
  thread.run([] {});
  EXPECT_EQ(steps, ended);
}

}  // namespace
}  // namespace e5v::scheduler

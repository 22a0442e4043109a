#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace e5v::serve {

/// Threads that do jobs in the order in which they arrive, so that those of the network are free for other requests.
class Workers {
 public:
  Workers(int threads, std::size_t most_waiting);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Waits for the jobs that run; those that wait are dropped.
  ~Workers();

  /// Adds a job, which must not throw. Throws Overloaded if too many jobs wait.
  void post(std::function<void()> job);

 private:
  void work();

  const std::size_t most_waiting_;
  std::mutex mutex_;  // protects the members below
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace e5v::serve

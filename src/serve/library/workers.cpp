#include "serve/library/workers.h"

#include <utility>

#include "base/thread_without_signals.h"
#include "e5v/error.h"

namespace e5v::serve {

Workers::Workers(int threads, std::size_t most_waiting) : most_waiting_(most_waiting) {
  for (int i = 0; i < threads; ++i) threads_.push_back(thread_without_signals([this] { work(); }));
}

Workers::~Workers() {
  std::deque<std::function<void()>> dropped;  // destroyed after the lock is free, because a job may hold a lot
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= most_waiting_) throw Overloaded("too many requests for photos wait");
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Workers::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
    if (ended_) return;
    const std::function<void()> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job();
  }
}

}  // namespace e5v::serve

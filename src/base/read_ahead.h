#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/parallel.h"

namespace e5v {

namespace detail {
/// Of the read-ahead whose producer this thread runs.
inline thread_local const std::atomic<bool>* stopped_read_ahead = nullptr;
}  // namespace detail

/// Whether this thread produces for a consumer that is gone: then nothing is worth waiting for.
inline bool consumer_is_gone() { return detail::stopped_read_ahead != nullptr && *detail::stopped_read_ahead; }

/// Runs a producer on a thread of its own, ahead of its consumer by at most a given weight of items.
template <class T>
class ReadAhead {
 public:
  /// produce gives items until it gives nothing; what it throws is thrown by pop(). weigh(item) says how much of
  /// `capacity` an item takes; one item always fits. The producer's parallel loops have `threads` of their own: one,
  /// where the consumer keeps the cores busy.
  ReadAhead(std::function<std::optional<T>()> produce, std::function<std::int64_t(const T&)> weigh,
            std::int64_t capacity, int threads = 1)
      : produce_(std::move(produce)),
        weigh_(std::move(weigh)),
        capacity_(capacity),
        thread_([this, threads] { run(threads); }) {}

  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Stops the producer after the item it is at; one that waits for input may ask consumer_is_gone().
  ~ReadAhead() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  /// False when pop() would still wait after so long.
  bool has_news_within(std::chrono::milliseconds pause) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, pause, [&] { return !items_.empty() || finished_; });
  }

  /// The next item, or nothing at the end. Throws what the producer threw, after the items before it.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !items_.empty() || finished_; });
    if (items_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return std::nullopt;
    }
    std::optional<T> item = std::move(items_.front());
    items_.pop_front();
    weight_ -= weigh_(*item);
    lock.unlock();
    changed_.notify_all();
    return item;
  }

 private:
  void run(int threads) {
    set_thread_count(threads);
    detail::stopped_read_ahead = &stopped_;
    try {
      while (std::optional<T> item = produce_()) {
        std::unique_lock lock(mutex_);
        const std::int64_t weight = weigh_(*item);
        changed_.wait(lock, [&] { return stopped_ || items_.empty() || weight_ + weight <= capacity_; });
        if (stopped_) return;
        weight_ += weight;
        items_.push_back(std::move(*item));
        lock.unlock();
        changed_.notify_all();
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    changed_.notify_all();
  }

  std::function<std::optional<T>()> produce_;
  std::function<std::int64_t(const T&)> weigh_;
  std::int64_t capacity_, weight_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  std::exception_ptr error_;
  bool finished_ = false;
  std::atomic<bool> stopped_ = false;  // changed under the mutex
  std::thread thread_;                 // last, so that it starts when all else stands
};

}  // namespace e5v

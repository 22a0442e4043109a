#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace e5v::serve {

/// Limits the requests per second of each client (token bucket). A burst may have the requests of two seconds.
/// Thread-safe.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// 0 means no limit.
  explicit RateLimit(double requests_per_second) : rate_(requests_per_second) {}

  /// Counts a request of a client. Returns 0 if it is allowed, and otherwise the seconds after which it would be
  /// allowed.
  double take(const std::string& client, Clock::time_point now = Clock::now());

  /// Returns the number of clients in memory.
  std::size_t clients() const;

 private:
  struct Bucket {
    double tokens = 0;
    Clock::time_point filled;
  };
  void forget_full(Clock::time_point now);

  double rate_;
  mutable std::mutex mutex_;  // protects the members below
  std::map<std::string, Bucket> buckets_;
  Clock::time_point forgotten_;  // the time of the last forget_full()
};

}  // namespace e5v::serve

#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace e5v::serve {

/// So many requests a second for each client, with twice that many at once. Safe to use from several threads.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// 0: no limit.
  explicit RateLimit(double requests_per_second) : rate_(requests_per_second) {}

  /// Takes one request of a client. Returns the seconds after which it may come again; 0 when it may come now.
  double take(const std::string& client, Clock::time_point now = Clock::now());

  /// How many clients are remembered.
  std::size_t clients() const;

 private:
  struct Bucket {
    double tokens = 0;
    Clock::time_point filled;
  };
  void forget_full(Clock::time_point now);

  double rate_;
  mutable std::mutex mutex_;  // of the member below
  std::map<std::string, Bucket> buckets_;
};

}  // namespace e5v::serve

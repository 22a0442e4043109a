#include "serve/rate_limit.h"

#include <algorithm>

namespace e5v::serve {

constexpr std::size_t kMaxClients = 10'000;
/// Looking at all clients takes a while, so it is not done for each request.
constexpr std::chrono::seconds kForgetInterval{1};

double RateLimit::take(const std::string& client, Clock::time_point now) {
  if (rate_ <= 0) return 0;
  const double most = std::max(1.0, 2 * rate_);
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMaxClients && now - forgotten_ >= kForgetInterval) forget_full(now);
  Bucket& bucket = buckets_.try_emplace(client, Bucket{most, now}).first->second;
  bucket.tokens = std::min(most, bucket.tokens + rate_ * std::chrono::duration<double>(now - bucket.filled).count());
  bucket.filled = now;
  if (bucket.tokens < 1) return (1 - bucket.tokens) / rate_;
  bucket.tokens -= 1;
  return 0;
}

std::size_t RateLimit::clients() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

/// Removes the clients whose bucket is full again; they are treated like new clients.
void RateLimit::forget_full(Clock::time_point now) {
  forgotten_ = now;
  const auto seconds = std::chrono::duration<double>(std::max(1.0, 2 * rate_) / rate_);
  std::erase_if(buckets_, [&](const auto& entry) { return now - entry.second.filled > seconds; });
}

}  // namespace e5v::serve

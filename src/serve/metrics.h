#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "http/fetcher.h"
#include "serve/model_set.h"

namespace e5v::serve {

/// What a fetcher of images has done, as Prometheus reads it.
std::string fetch_metrics(const http::FetchCounters& fetches);

/// What a server has done, as Prometheus reads it. Safe to use from several threads.
class Metrics {
 public:
  /// Counts a request. `route` is the path of a route, so that there are few.
  void count(std::string_view route, int status, double seconds);

  /// What is not counted here.
  struct Connections {
    std::int64_t open = 0, accepted = 0, refused = 0;
  };
  /// The text of /metrics (text format 0.0.4).
  std::string text(const ModelSet& models, const Connections& connections) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};

  struct Latency {
    std::array<std::int64_t, kBounds.size()> below{};
    std::int64_t count = 0;
    double sum = 0;
  };

  mutable std::mutex mutex_;                                      // of the members below
  std::map<std::pair<std::string, int>, std::int64_t> requests_;  // by route and status
  std::map<std::string, Latency> latencies_;                      // by route
};

}  // namespace e5v::serve

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
#include "tensor/device.h"

namespace e5v::serve {

/// Returns the counters of a fetcher of images for Prometheus.
std::string fetch_metrics(const http::FetchCounters& fetches);

/// Returns the memory of an accelerator for Prometheus.
std::string memory_metrics(const tensor::Device& accelerator);

/// The counters of a server for Prometheus. Thread-safe.
class Metrics {
 public:
  /// Counts a request. `route` is the path of a route and not of the request, which limits the number of labels.
  void count(std::string_view route, int status, double seconds);

  /// Counters of connections, which the HTTP server counts.
  struct Connections {
    std::int64_t open = 0, accepted = 0, refused = 0;
  };
  /// Returns the text of /metrics in Prometheus' text format 0.0.4.
  std::string text(const ModelSet& models, const Connections& connections) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};

  struct Latency {
    std::array<std::int64_t, kBounds.size()> below{};
    std::int64_t count = 0;
    double sum = 0;
  };

  mutable std::mutex mutex_;                                      // protects the members below
  std::map<std::pair<std::string, int>, std::int64_t> requests_;  // by route and status
  std::map<std::string, Latency> latencies_;                      // by route
};

}  // namespace e5v::serve

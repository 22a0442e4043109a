#pragma once
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "e5v/embedding.h"

namespace e5v {

/// How a submitted input waits for its vector.
struct SubmitOptions {
  int priority = 0;  ///< of the inputs that wait, those of the highest come first
  /// When the input is not begun by then, it fails with DeadlineExceeded.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  /// When a stop is requested before the input is begun, it fails with Cancelled; a pass that has begun ends.
  std::stop_token cancel = {};
  /// Whose input this is. Inputs of one priority are computed by turns, so that each client gets its share of the tokens
  /// however many inputs it has submitted. One that is named may fill three quarters of the queue.
  std::string client = {};
};

/// Called with a vector, or with why there is none (then error is not null): InvalidInput, ModelError, DeviceError,
/// DeadlineExceeded or Cancelled. It runs on a thread of the embedder, which does nothing else meanwhile, and must not
/// throw.
using Done = std::function<void(EmbeddedInput vector, std::exception_ptr error)>;

/// How an embedder stops taking inputs.
enum class Shutdown {
  drain,   ///< all that was submitted is computed
  cancel,  ///< what is not computed yet fails with Cancelled; a pass that has begun ends
};

/// What has become of the inputs that were submitted to an embedder, and what waits now.
struct SubmitCounters {
  std::int64_t submitted = 0;  ///< all of them but those refused as Overloaded
  std::int64_t done = 0;       ///< with a vector
  std::int64_t failed = 0;     ///< with an error that is none of the following
  std::int64_t cancelled = 0, expired = 0;
  std::int64_t overloaded = 0;  ///< refused by submit()
  std::int64_t cache_hits = 0;  ///< vectors that were known
  std::int64_t cache_misses = 0;
  std::int64_t shared = 0;                                       ///< inputs that joined an identical one on its way
  std::int64_t batches = 0;                                      ///< passes of the model
  std::int64_t inputs = 0;                                       ///< computed in these
  std::int64_t tokens = 0;                                       ///< of these inputs; what they share is computed once
  std::int64_t queued = 0, queued_tokens = 0, queued_bytes = 0;  ///< now, what is being computed included
  std::int64_t cached = 0, cached_bytes = 0;                     ///< vectors that are kept now
  double queue_seconds = 0;                                      ///< that the inputs computed have waited, summed
  double compute_seconds = 0;                                    ///< that passes have taken
};

}  // namespace e5v

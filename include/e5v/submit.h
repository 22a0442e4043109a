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

/// The options of one submitted input.
struct SubmitOptions {
  int priority = 0;  ///< waiting inputs with a higher priority are computed first
  /// If the computation has not begun at this time, the input fails with DeadlineExceeded.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;
  /// If a stop is requested before the computation begins, the input fails with Cancelled. A forward pass that has
  /// already started runs to completion.
  std::stop_token cancel = {};
  /// The name of the client that submits the input, or an empty string. Among waiting inputs of equal priority, clients
  /// get equal numbers of tokens, however many inputs each of them has submitted. A client with a name may fill at most
  /// three quarters of the queue. Inputs without a name may fill the whole queue.
  std::string client = {};
};

/// The function that receives the result of a submitted input. `error` is null if there is a vector. Otherwise it holds
/// InvalidInput, ModelError, DeviceError, DeadlineExceeded or Cancelled. The function usually runs on a thread of the
/// embedder and blocks it, so it should return quickly. It must not throw.
using Done = std::function<void(EmbeddedInput vector, std::exception_ptr error)>;

/// The treatment of waiting inputs at a shutdown.
enum class Shutdown {
  drain,  ///< all submitted inputs are computed
  /// All inputs but those of the running forward pass fail with Cancelled. That pass runs to completion.
  cancel,
};

/// The counters of the inputs that were submitted to an embedder. Counters with "now" give the present state; all
/// others are totals since the model was loaded.
struct SubmitCounters {
  std::int64_t submitted = 0;      ///< accepted inputs; those refused with Overloaded are not counted
  std::int64_t done = 0;           ///< inputs that got a vector
  std::int64_t failed = 0;         ///< inputs that failed with InvalidInput, ModelError or DeviceError
  std::int64_t cancelled = 0;      ///< inputs that failed with Cancelled
  std::int64_t expired = 0;        ///< inputs that failed with DeadlineExceeded
  std::int64_t overloaded = 0;     ///< inputs that submit() refused with Overloaded
  std::int64_t cache_hits = 0;     ///< inputs whose vector was in the cache
  std::int64_t cache_misses = 0;   ///< inputs whose vector had to be computed
  std::int64_t shared = 0;         ///< inputs identical to one already in the queue; they share its result
  std::int64_t batches = 0;        ///< forward passes
  std::int64_t inputs = 0;         ///< inputs computed in these passes
  std::int64_t tokens = 0;         ///< rows of these inputs; rows that inputs share are counted for each of them
  std::int64_t queued = 0;         ///< inputs that wait or are being computed now; identical inputs count once
  std::int64_t ready = 0;          ///< those of them that are prepared and wait for a forward pass
  std::int64_t queued_tokens = 0;  ///< rows of these inputs now
  std::int64_t queued_bytes = 0;   ///< size of these inputs in bytes now
  std::int64_t cached = 0;         ///< vectors in the cache now
  std::int64_t cached_bytes = 0;   ///< size of the cache in bytes now
  double queue_seconds = 0;        ///< total waiting time, in seconds, of all computed inputs
  double compute_seconds = 0;      ///< total time, in seconds, of all forward passes
};

}  // namespace e5v

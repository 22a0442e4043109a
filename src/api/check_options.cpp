#include "api/check_options.h"

#include <limits>

#include "base/cpu.h"
#include "base/error.h"

namespace e5v {
namespace {

static_assert(LoadOptions::kMaxThreads == kMaxThreads);

constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

void check_number(const char* name, std::int64_t value, std::int64_t minimum, std::int64_t maximum,
                  const char* meaning = "") {
  require(value >= minimum && value <= maximum, "[options] {} is {}, expected a number from {}{} to {}", name, value,
          minimum, meaning, maximum);
}

}  // namespace

void check(const LoadOptions& options) {
  check_number("threads", options.threads, 0, LoadOptions::kMaxThreads, " (one per core)");
  check_number("queue.tokens", options.queue.tokens, 1, kAny);
  check_number("queue.bytes", options.queue.bytes, 1, kAny);
  check_number("queue.cache_bytes", options.queue.cache_bytes, 0, kAny, " (none)");
  check_number("queue.preparing_threads", options.queue.preparing_threads, 1, LoadOptions::kMaxThreads);
}

void check(const PrepareOptions& options) {
  check_number("max_tiles", options.max_tiles, 0, PrepareOptions::kMaxTiles, " (as many as the model has)");
  check_number("max_pixels", options.max_pixels, 1, PrepareOptions::kMaxPixels);
}

void check(const RunOptions& options, std::int64_t width) {
  check_number("token_budget", options.token_budget, 0, RunOptions::kMaxTokenBudget, " (automatic)");
  check_number("dimensions", options.dimensions, 0, width, " (all)");
}

}  // namespace e5v

#pragma once
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

namespace e5v {

/// Threads that parallel loops and oneDNN use: OpenMP's pool, shared by both.
int thread_count();

/// Sets it for loops started from the calling thread; 0 means what OMP_NUM_THREADS says, else one per core.
void set_thread_count(int threads);

/// Lets threads of the pool spin for some ten microseconds and then sleep while they wait for each other. By default
/// they spin for milliseconds, which keeps the thread that they wait for from its core when other programs run, too. If
/// they slept at once, waking them would take half of the time of a single text (docs/journal.md). OpenMP reads its
/// environment before main(), so the program `argv` starts itself anew, once, as the same process. If OMP_WAIT_POLICY
/// is set, nothing is changed, and GOMP_SPINCOUNT keeps its value if it is set. To be called first in main().
void let_threads_sleep(char* const* argv);

/// Runs body(i) for i in [0, count), spread over the pool in chunks of `grain` that idle threads fetch. The first
/// exception stops the handing out of chunks and is thrown here.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, const Body& body) {
  if (count <= grain || omp_in_parallel() || thread_count() == 1) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<bool> failed = false;
  std::exception_ptr error;
  const std::int64_t chunks = (count + grain - 1) / grain;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      const std::int64_t end = std::min(count, (chunk + 1) * grain);
      for (std::int64_t i = chunk * grain; i < end; ++i) body(i);
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace e5v

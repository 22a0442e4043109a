#include "base/parallel.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace e5v {
namespace {

/// The pool's size as the environment sets it (OMP_NUM_THREADS), one thread per core otherwise; read while the program
/// starts, before anything changes it.
const int kDefaultThreads = omp_get_max_threads();

}  // namespace

int thread_count() { return omp_get_max_threads(); }

void set_thread_count(int threads) { omp_set_num_threads(threads > 0 ? threads : kDefaultThreads); }

void let_threads_sleep(char* const* argv) {
  constexpr const char* kPolicy = "OMP_WAIT_POLICY";
  // A dynamic loader that was called by name is what /proc/self/exe would start; the kernel then tells no base of it.
  if (std::getenv(kPolicy) != nullptr || ::getauxval(AT_BASE) == 0) return;
  if (::setenv(kPolicy, "passive", 1) != 0) return;
  constexpr const char* kSelf = "/proc/self/exe";
  std::array<char, 4096> path{};  // by its own path, so that ps and killall see its name
  if (::readlink(kSelf, path.data(), path.size() - 1) > 0) ::execv(path.data(), argv);
  ::execv(kSelf, argv);  // returns only where it fails: they spin
}

}  // namespace e5v

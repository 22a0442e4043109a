#include "base/parallel.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"

namespace e5v {
namespace {

constexpr const char* kThreads = "OMP_NUM_THREADS";

/// Numbers from 1 to kMaxThreads, by commas: one for each level of nested loops.
bool is_usable(std::string_view counts) {
  while (true) {
    const std::string_view count = counts.substr(0, counts.find(','));
    const std::size_t begin = count.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return false;
    int number = 0;
    const auto [end, problem] = std::from_chars(count.data() + begin, count.data() + count.size(), number);
    const bool ended =
        std::string_view(end, count.data() + count.size()).find_first_not_of(" \t") == std::string_view::npos;
    if (problem != std::errc() || !ended || number < 1 || number > kMaxThreads) return false;
    if (count.size() == counts.size()) return true;
    counts.remove_prefix(count.size() + 1);
  }
}

/// The pool's size as the environment sets it (OMP_NUM_THREADS), one thread per core otherwise, or where it sets more
/// than can be; read while the program starts, before anything changes it.
const int kDefaultThreads =
    omp_get_max_threads() <= kMaxThreads ? omp_get_max_threads() : std::min(omp_get_num_procs(), kMaxThreads);

/// A value that cannot be meant is reported, and then left out: OpenMP would start a million threads and crash.
void check_environment() {
  const char* counts = std::getenv(kThreads);
  if (counts == nullptr || is_usable(counts)) return;
  log_warning("OMP_NUM_THREADS is {}, expected a number from 1 to {}: one thread per core is used", in_quotes(counts),
              kMaxThreads);
  ::unsetenv(kThreads);
  omp_set_num_threads(std::min(omp_get_num_procs(), kMaxThreads));
}

}  // namespace

int thread_count() { return omp_get_max_threads(); }

void set_thread_count(int threads) { omp_set_num_threads(threads > 0 ? threads : kDefaultThreads); }

void let_threads_sleep(char* const* argv) {
  check_environment();
  constexpr const char* kPolicy = "OMP_WAIT_POLICY";
  // A dynamic loader that was called by name is what /proc/self/exe would start; the kernel then tells no base of it.
  if (std::getenv(kPolicy) != nullptr || ::getauxval(AT_BASE) == 0) return;
  if (::setenv(kPolicy, "passive", 1) != 0) return;
  constexpr int kKeepValueOfUser = 0;
  ::setenv("GOMP_SPINCOUNT", "3000", kKeepValueOfUser);  // of GNU's OpenMP; others ignore it
  constexpr const char* kSelf = "/proc/self/exe";
  std::array<char, 4096> path{};  // by its own path, so that ps and killall see its name
  if (::readlink(kSelf, path.data(), path.size() - 1) > 0) ::execv(path.data(), argv);
  ::execv(kSelf, argv);  // returns only where it fails: they spin
}

}  // namespace e5v

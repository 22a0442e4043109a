#include "net/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace e5v::net {
namespace {

/// Descriptors for everything except connections: models, keys, certificates and fetches.
constexpr rlim_t kOthers = 256;

}  // namespace

int fit_descriptors(int connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
  const rlim_t wanted = static_cast<rlim_t>(connections) + kOthers;
  if (limit.rlim_cur >= wanted) return connections;
  const rlimit raised{std::min(wanted, limit.rlim_max), limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  if (limit.rlim_cur >= wanted) return connections;
  return static_cast<int>(limit.rlim_cur > 2 * kOthers ? limit.rlim_cur - kOthers : limit.rlim_cur / 2);
}

}  // namespace e5v::net

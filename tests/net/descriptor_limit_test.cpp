#include "net/descriptor_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace e5v::net {
namespace {

struct Fit {
  int connections = 0;
  rlim_t limit = 0;  ///< of open files
};

/// Runs fit_descriptors() in a process with these limits of open files.
Fit fit_with(rlim_t soft, rlim_t hard, int connections) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit limit{soft, hard};
    Fit fit;
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) {
      fit.connections = fit_descriptors(connections);
      ::getrlimit(RLIMIT_NOFILE, &limit);
      fit.limit = limit.rlim_cur;
    }
    ::_exit(::write(ends[1], &fit, sizeof fit) == sizeof fit ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Fit fit;
  EXPECT_EQ(::read(ends[0], &fit, sizeof fit), static_cast<ssize_t>(sizeof fit));
  ::close(ends[0]);
  ::close(ends[1]);
  return fit;
}

TEST(DescriptorLimit, IsRaisedToWhatConnectionsNeed) {
  const Fit fit = fit_with(64, 900, 500);
  EXPECT_EQ(fit.connections, 500);
  EXPECT_EQ(fit.limit, 756u);
}

TEST(DescriptorLimit, IsNotLowered) {
  const Fit fit = fit_with(900, 900, 500);
  EXPECT_EQ(fit.connections, 500);
  EXPECT_EQ(fit.limit, 900u);
}

TEST(DescriptorLimit, LeavesDescriptorsForFiles) {
  EXPECT_EQ(fit_with(900, 900, 4096).connections, 644);
  EXPECT_EQ(fit_with(64, 700, 4096).connections, 444);
  EXPECT_EQ(fit_with(64, 64, 4096).connections, 32);
}

}  // namespace
}  // namespace e5v::net

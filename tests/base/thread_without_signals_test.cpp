#include "base/thread_without_signals.h"

#include <gtest/gtest.h>

namespace e5v {
namespace {

bool blocks(int signal) {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

TEST(ThreadWithoutSignals, BlocksThemAndItsStarterDoesNot) {
  bool blocked = false;
  thread_without_signals([&] { blocked = blocks(SIGTERM) && blocks(SIGPIPE) && blocks(SIGHUP); }).join();
  EXPECT_TRUE(blocked);
  EXPECT_FALSE(blocks(SIGTERM));
}

}  // namespace
}  // namespace e5v

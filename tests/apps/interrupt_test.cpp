#include "interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/interrupted.h"

namespace e5v::app {
namespace {

TEST(Interrupt, IsHandledOnAStackOfItsOwn) {
  const InterruptScope scope;
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    ASSERT_EQ(::sigaction(number, nullptr, &action), 0);
    EXPECT_NE(action.sa_flags & SA_ONSTACK, 0) << number;
  }
  stack_t stack{};
  ASSERT_EQ(::sigaltstack(nullptr, &stack), 0);
  EXPECT_EQ(stack.ss_flags & SS_DISABLE, 0);
  EXPECT_GE(stack.ss_size, std::size_t{64} << 10);
  EXPECT_NO_THROW(InterruptScope::check());
  ::raise(SIGTERM);
  EXPECT_EQ(InterruptScope::signal(), SIGTERM);
  EXPECT_THROW(InterruptScope::check(), Interrupted);
}

using testing::ExitedWithCode;
using namespace std::chrono_literals;

/// In a process of its own, because it ends.
class InterruptDeathTest : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(InterruptDeathTest, WithoutAScopeASignalEndsTheProcess) {
  const auto run = [](int number) {
    exit_at_signals();
    { const InterruptScope over; }
    ::raise(number);
  };
  EXPECT_EXIT(run(SIGINT), ExitedWithCode(130), "");
  EXPECT_EXIT(run(SIGTERM), ExitedWithCode(143), "");
}

TEST_F(InterruptDeathTest, WhatDoesNotEndSoonIsEnded) {
  const auto run = [] {
    const InterruptScope scope([] { std::fputs("last words", stderr); });
    ::raise(SIGTERM);
    std::this_thread::sleep_for(60s);
  };
  EXPECT_EXIT(run(), ExitedWithCode(143), "last words");
}

TEST_F(InterruptDeathTest, TheSecondSignalEndsTheProcessAtOnce) {
  const auto run = [] {
    const InterruptScope scope([] { std::fputs("last words", stderr); });
    ::raise(SIGINT);
    ::raise(SIGTERM);
    std::this_thread::sleep_for(60s);
  };
  EXPECT_EXIT(run(), ExitedWithCode(143), "^$");
}

TEST_F(InterruptDeathTest, AGoodMomentIsWaitedForWhereItMatters) {
  const auto run = [] {
    const InterruptScope scope([] { std::fputs("last words", stderr); });
    InterruptScope::wait_for_good_moment();
    ::raise(SIGTERM);
    std::this_thread::sleep_for(1500ms);
    try {
      InterruptScope::check();
    } catch (const Interrupted&) {
      std::_Exit(7);
    }
  };
  EXPECT_EXIT(run(), ExitedWithCode(7), "^$");
}

}  // namespace
}  // namespace e5v::app

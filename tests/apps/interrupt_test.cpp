#include "interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "embed/vector_run.h"

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
  EXPECT_THROW(InterruptScope::check(), embed::Interrupted);
}

}  // namespace
}  // namespace e5v::app

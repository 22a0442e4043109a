#include "interrupt.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <string_view>

#include "embed/vector_run.h"

namespace e5v::app {
namespace {

std::atomic<int> received = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not lock");

void note(int number) {
  received = number;
  constexpr std::string_view kMessage = "\r\x1b[Kfinishing what has begun; once more stops at once\n";
  // What fails here has nobody to be told.
  if (::isatty(STDERR_FILENO) == 1 && ::write(STDERR_FILENO, kMessage.data(), kMessage.size()) < 0) return;
}

/// A stack for the handler. oneDNN's f32 GEMM points the stack pointer into a buffer on the heap while it runs: a frame
/// that the kernel lays there overwrites what lies below. The first thread gets the process's signals.
void use_own_stack() {
  static std::array<char, 128 << 10> memory;  // a frame holds all vector registers
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  ::sigaltstack(&stack, nullptr);
}

void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptScope::InterruptScope() {
  use_own_stack();
  set_handler(note);
}

InterruptScope::~InterruptScope() { set_handler(SIG_DFL); }

int InterruptScope::signal() { return received; }

void InterruptScope::check() {
  if (received != 0) throw embed::Interrupted();
}

}  // namespace e5v::app

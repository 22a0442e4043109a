#include "interrupt.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "base/interrupted.h"

namespace e5v::app {
namespace {

constexpr std::chrono::seconds kPatience{1};

std::atomic<int> received = 0;
std::atomic<bool> patient = false;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not lock");
sem_t arrived;  // a handler may post it to wake another thread

void end_at_once(int number) { ::_exit(128 + number); }

void note(int number) {
  if (received.exchange(number) != 0) end_at_once(number);
  const int saved = errno;
  constexpr std::string_view kMessage = "\r\x1b[Kfinishing the current step; another signal stops at once\n";
  // A failure here cannot be reported.
  if (patient && ::isatty(STDERR_FILENO) == 1 && ::write(STDERR_FILENO, kMessage.data(), kMessage.size()) < 0) {
  }
  ::sem_post(&arrived);
  errno = saved;
}

/// A stack for the handler. oneDNN's f32 GEMM points the stack pointer into a buffer on the heap while it runs, and a
/// signal frame there would overwrite the buffer. The first thread receives the signals of the process.
void use_own_stack() {
  static std::array<char, 128 << 10> memory;  // a frame holds all vector registers
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  ::sigaltstack(&stack, nullptr);
}

/// System calls continue after a handler (SA_RESTART), because an interrupted write would look like an error.
void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_ONSTACK);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

/// Ends the process when the command has not ended within kPatience after a signal.
class Watch {
 public:
  explicit Watch(std::function<void()> last_words) : last_words_(std::move(last_words)) {
    sigset_t all, before;  // the new thread inherits the mask, so only the first thread receives signals
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    ::sem_post(&arrived);
    thread_.join();
  }

 private:
  void run() {
    while (::sem_wait(&arrived) != 0) {
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kPatience, [&] { return over_; }) || patient) return;
    lock.unlock();
    if (last_words_) last_words_();
    end_at_once(received);
  }

  std::function<void()> last_words_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

std::unique_ptr<Watch> watch;

}  // namespace

void exit_at_signals() {
  use_own_stack();
  set_handler(end_at_once);
}

InterruptScope::InterruptScope(std::function<void()> last_words) {
  use_own_stack();
  ::sem_init(&arrived, 0, 0);
  patient = false;
  watch = std::make_unique<Watch>(std::move(last_words));
  set_handler(note);
}

InterruptScope::~InterruptScope() {
  set_handler(end_at_once);
  watch.reset();
}

void InterruptScope::wait_for_good_moment() { patient = true; }

int InterruptScope::signal() { return received; }

void InterruptScope::check() {
  if (received != 0) throw Interrupted();
}

}  // namespace e5v::app

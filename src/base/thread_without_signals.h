#pragma once
#include <pthread.h>

#include <csignal>
#include <functional>
#include <thread>
#include <utility>

namespace e5v {

/// Starts a thread that gets no signals, so that the kernel delivers those of the process to other threads. The signal
/// of a connection that ends while a library writes is ignored, too.
inline std::thread thread_without_signals(std::function<void()> work) {
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // the new thread inherits the mask
  std::thread thread(std::move(work));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace e5v

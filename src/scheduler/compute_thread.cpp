#include "scheduler/compute_thread.h"

#include <utility>

#include "base/parallel.h"

namespace e5v::scheduler {

ComputeThread::ComputeThread(int threads) : thread_([this, threads] { loop(threads); }) {}

ComputeThread::~ComputeThread() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ComputeThread::run(const std::function<void()>& body) {
  Call call{body};
  std::unique_lock lock(mutex_);
  calls_.push_back(&call);
  changed_.notify_all();
  ended_.wait(lock, [&] { return call.done; });
  if (call.error) std::rethrow_exception(call.error);
}

void ComputeThread::set_step(Step step) {
  std::unique_lock lock(mutex_);
  step_ = std::move(step);
  ended_.wait(lock, [&] { return !in_step_; });
}

void ComputeThread::wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  changed_.notify_all();
}

bool ComputeThread::wake_unless_called() {
  {
    const std::lock_guard lock(mutex_);
    if (!step_ || in_call_ || !calls_.empty()) return false;
    awake_ = true;
  }
  changed_.notify_all();
  return true;
}

void ComputeThread::loop(int threads) {
  set_thread_count(threads);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopped_ || !calls_.empty() || (awake_ && step_); });
    if (awake_ && step_) run_step(lock);
    if (!calls_.empty()) run_call(lock);
    if (stopped_ && calls_.empty()) return;
  }
}

void ComputeThread::run_call(std::unique_lock<std::mutex>& lock) {
  Call& call = *calls_.front();
  calls_.pop_front();
  in_call_ = true;
  lock.unlock();
  try {
    call.body();
  } catch (...) {
    call.error = std::current_exception();
  }
  lock.lock();
  in_call_ = false;
  call.done = true;
  ended_.notify_all();
}

void ComputeThread::run_step(std::unique_lock<std::mutex>& lock) {
  awake_ = false;
  in_step_ = true;
  const Step step = step_;  // a copy, because set_step() may replace it meanwhile
  lock.unlock();
  const bool more = step();
  lock.lock();
  in_step_ = false;
  awake_ = awake_ || more;
  ended_.notify_all();
}

}  // namespace e5v::scheduler

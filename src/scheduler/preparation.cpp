// The threads of the scheduler that prepare inputs.
#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "scheduler/content.h"
#include "scheduler/scheduler.h"

namespace e5v::scheduler {
namespace {

/// No further image is prepared while the ready jobs take at least this number of bytes.
constexpr std::int64_t kReadyBytes = std::int64_t{64} << 20;

}  // namespace

/// Starts the threads that do not run yet. If the system refuses some of them, the others do the work, and the next
/// input tries again. Throws DeviceError if none runs.
void Scheduler::start_preparing() try {
  while (static_cast<int>(preparers_.size()) < options_.preparing_threads) {
    preparers_.emplace_back([this] {
      set_thread_count(1);  // the compute thread uses all cores
      prepare_all();
    });
  }
} catch (const std::system_error& error) {
  require<DeviceError>(!preparers_.empty(),
                       "[submit] expected a thread that prepares inputs, found that none starts: {}", error.what());
}

void Scheduler::prepare_all() {
  for (;;) {
    std::unique_lock lock(mutex_);
    const std::shared_ptr<Job> job = wait_for_job(lock);
    if (!job) return;
    preparing_images_ += job->image;
    lock.unlock();
    if (prepare(job)) compute_.wake();
  }
}

/// Waits for the next job to prepare. Returns null after a shutdown. If there are several preparing threads, one of
/// them is reserved for texts, so that texts do not wait while images are decoded.
std::shared_ptr<Job> Scheduler::wait_for_job(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    tell_unlocked(lock, expire());
    if (stopped_) return nullptr;
    const bool images =
        preparing_images_ < std::max(1, options_.preparing_threads - 1) && queue_.ready_bytes() < kReadyBytes;
    if (std::shared_ptr<Job> job = queue_.take_to_prepare(images)) return job;
    if (const std::optional<Clock::time_point> deadline = queue_.next_deadline()) {
      work_.wait_until(lock, *deadline);
    } else {
      work_.wait(lock);
    }
  }
}

/// Prepares the next text on the calling thread, if one waits.
void Scheduler::prepare_one_text(std::unique_lock<std::mutex>& lock) {
  constexpr bool kImages = false;
  const std::shared_ptr<Job> job = queue_.take_to_prepare(kImages);
  if (!job) return;
  lock.unlock();
  prepare(job);
  lock.lock();
}

/// Returns whether the job is ready to be computed; it may also have ended.
bool Scheduler::prepare(const std::shared_ptr<Job>& job) {
  embed::PreparedInput prepared;
  std::exception_ptr error;
  bool settled = false, ready = false;
  try {
    Request& request = job->request;
    if (!job->key) {
      request.input = loaded(std::move(request.input));
      settled = settle_by_content(job, key_of(request));
    }
    if (!settled) prepared = worker_.prepare(request.input, request.run, request.prepare);
  } catch (...) {
    error = std::current_exception();
  }
  std::vector<Outcome> outcomes;
  std::unique_lock lock(mutex_);
  preparing_images_ -= job->image;
  if (job->image) work_.notify_all();  // another image may be prepared
  if (!settled) {
    if (job->tickets.empty()) {
      queue_.remove(job);
    } else if (error) {
      finish(job, {}, error, Clock::now(), outcomes);
    } else {
      queue_.make_ready(job, std::move(prepared));
      ready = true;
    }
  }
  tell_unlocked(lock, std::move(outcomes));
  return ready;
}

/// Called when the content of a job is known. Returns true if the job ends without computation, because its vector is
/// cached, another job has the same content, or all its tickets were cancelled.
bool Scheduler::settle_by_content(const std::shared_ptr<Job>& job, const Hash128& key) {
  std::vector<Outcome> outcomes;
  std::unique_lock lock(mutex_);
  const std::vector<std::shared_ptr<Ticket>> tickets = queue_.detach_all(*job);
  const bool settled = tickets.empty() || answer(tickets, key, outcomes) || join(tickets, queue_.find(key));
  if (settled) {
    queue_.remove(job);
  } else {
    for (const std::shared_ptr<Ticket>& ticket : tickets) queue_.attach(ticket, job);
    miss(job, key);
  }
  tell_unlocked(lock, std::move(outcomes));
  return settled;
}

}  // namespace e5v::scheduler

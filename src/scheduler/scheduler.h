#pragma once
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "e5v/options.h"
#include "e5v/submit.h"
#include "scheduler/batch_policy.h"
#include "scheduler/compute_thread.h"
#include "scheduler/queue.h"
#include "scheduler/vector_cache.h"
#include "scheduler/worker.h"

namespace e5v::scheduler {

/// Computes the vectors of inputs from any thread. A pool of threads prepares the inputs. Whenever the compute thread
/// is free, it computes a batch of ready inputs. Thread-safe.
class Scheduler {
 public:
  /// `compute` and `worker` must outlive the scheduler. The preparing threads start with the first input.
  Scheduler(ComputeThread& compute, Worker& worker, const QueueOptions& options);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  /// Shuts down with Shutdown::cancel.
  ~Scheduler();

  /// Queues an input. `done` is called once with its vector or error, possibly before submit() returns. Throws
  /// Overloaded if the queue is full, Cancelled after shutdown(), and DeviceError if the system cannot start a thread
  /// that prepares inputs. If submit() throws, `done` is not called.
  void submit(Request request, Done done);
  /// Does the same with a future.
  std::future<EmbeddedInput> submit(Request request);

  SubmitCounters counters() const;

  /// Refuses further inputs. Returns when every `done` function of earlier inputs has returned. Must not be called from
  /// a `done` function.
  void shutdown(Shutdown how);

 private:
  Hash128 key_of(const Request& request);
  void admit(Request request, const std::shared_ptr<Ticket>& ticket, const std::optional<Hash128>& key,
             const std::exception_ptr& error);
  void watch(const std::shared_ptr<Ticket>& ticket);
  void cancel(const std::shared_ptr<Ticket>& ticket);

  void begin_work(bool at_once);
  void start_preparing();
  void prepare_all();
  std::shared_ptr<Job> wait_for_job(std::unique_lock<std::mutex>& lock);
  void prepare_one_text(std::unique_lock<std::mutex>& lock);
  bool prepare(const std::shared_ptr<Job>& job);
  bool settle_by_content(const std::shared_ptr<Job>& job, const Hash128& key);

  bool step();
  void count(const BatchPolicy::Chosen& chosen, Clock::time_point begin);
  void finish(const std::shared_ptr<Job>& job, const EmbeddedInput& vector, const std::exception_ptr& error,
              Clock::time_point begin, std::vector<Outcome>& outcomes);

  bool answer(const std::vector<std::shared_ptr<Ticket>>& tickets, const Hash128& key, std::vector<Outcome>& outcomes);
  bool join(const std::vector<std::shared_ptr<Ticket>>& tickets, const std::shared_ptr<Job>& job);
  void miss(const std::shared_ptr<Job>& job, const Hash128& key);
  std::vector<Outcome> expire();
  static void fail_all(const std::vector<std::shared_ptr<Ticket>>& tickets, const std::exception_ptr& error,
                       std::int64_t& counter, std::vector<Outcome>& outcomes);
  void tell_unlocked(std::unique_lock<std::mutex>& lock, std::vector<Outcome> outcomes);

  ComputeThread& compute_;
  Worker& worker_;
  QueueOptions options_;
  mutable std::mutex mutex_;  // protects all members below
  std::condition_variable work_, idle_;
  Queue queue_;
  BatchPolicy policy_;
  VectorCache cache_;
  SubmitCounters counters_;
  int preparing_images_ = 0, telling_ = 0;
  bool computing_ = false, closed_ = false, stopped_ = false;
  std::vector<std::thread> preparers_;
};

}  // namespace e5v::scheduler

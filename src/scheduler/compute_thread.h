#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace e5v::scheduler {

/// The one thread from which a model computes: OpenMP's pool and a GPU's context belong to the thread that calls. It
/// does what it is asked to by run(), and batches as long as there are any, in turn, so that neither waits for more
/// than one of the other.
class ComputeThread {
 public:
  /// Computes one batch; false when there is nothing more to compute.
  using Step = std::function<bool()>;

  /// `threads` is the size of the pool, as for set_thread_count().
  explicit ComputeThread(int threads);
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;
  /// Nobody may wait in run() any more.
  ~ComputeThread();

  /// Has the thread run `body`, and waits for that. Throws what it throws. May be called from any thread but this.
  void run(const std::function<void()>& body);

  /// Where batches come from; nullptr takes the source away, when the batch that is being computed has ended.
  void set_step(Step step);
  /// Says that there is something to compute.
  void wake();

 private:
  struct Call {
    const std::function<void()>& body;
    bool done = false;
    std::exception_ptr error = nullptr;
  };
  void loop(int threads);
  void run_call(std::unique_lock<std::mutex>& lock);
  void run_step(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_, ended_;
  std::deque<Call*> calls_;
  Step step_;
  bool awake_ = false, in_step_ = false, stopped_ = false;
  std::thread thread_;  // last, so that it starts when all else stands
};

}  // namespace e5v::scheduler

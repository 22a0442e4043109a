#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace e5v::scheduler {

/// The only thread that computes with a model, because OpenMP's pool and a GPU's context belong to the calling thread.
/// It executes the calls of run() and the batches of the step function. If both wait, one call and one batch alternate.
class ComputeThread {
 public:
  /// Computes one batch. Returns whether another batch is ready.
  using Step = std::function<bool()>;

  /// `threads` is the size of the pool, as for set_thread_count().
  explicit ComputeThread(int threads);
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;
  /// No thread may be in run() when the object is destroyed.
  ~ComputeThread();

  /// Executes `body` on the compute thread and waits until it returns. Throws the exceptions of `body`. May be called
  /// from any other thread.
  void run(const std::function<void()>& body);

  /// Sets the function that computes batches; nullptr removes it. Returns after the running batch has ended.
  void set_step(Step step);
  /// Notifies the thread that a batch is ready.
  void wake();
  /// Notifies the thread that there is something to do in the step function, unless a call of run() would delay it.
  /// Returns whether the step function is called next.
  bool wake_unless_called();

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
  bool awake_ = false, in_call_ = false, in_step_ = false, stopped_ = false;
  std::thread thread_;  // the last member, because the thread uses all others
};

}  // namespace e5v::scheduler

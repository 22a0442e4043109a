#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "base/interrupted.h"
#include "base/progress.h"
#include "eval_task.h"

namespace e5v::app {

/// Runs tasks whose data have been read. Consecutive tasks with the same model share it.
class EvalRunner {
 public:
  /// Throws Interrupted when a signal has arrived.
  eval::Result run(EvalTask& task);

 private:
  eval::Encoder& encoder_of(const EvalTask& task);

  std::optional<Progress> progress_;
  std::unique_ptr<eval::Encoder> encoder_;
  ModelOptions model_;  // the options of encoder_
  std::filesystem::path store_;
};

/// Calls `work`, which Ctrl-C ends at a suitable moment. Returns the exit code.
int interruptible(const std::function<void(EvalRunner&)>& work);

}  // namespace e5v::app

#include "eval_run.h"

#include <fmt/format.h>

#include <chrono>

#include "base/interrupted.h"
#include "base/log.h"
#include "base/parallel.h"
#include "commands.h"
#include "interrupt.h"

namespace e5v::app {

eval::Result EvalRunner::run(EvalTask& task) {
  const auto start = std::chrono::steady_clock::now();
  set_thread_count(task.model.load.threads);  // for work outside the embedder: loading, ranking, classifying
  eval::Encoder* encoder = task.needs_model() ? &encoder_of(task) : nullptr;
  const eval::Encoder::Counts before = encoder == nullptr ? eval::Encoder::Counts() : encoder->counts();
  eval::Result result = task.evaluate(encoder);
  progress_.reset();
  if (encoder != nullptr) {
    result.facts.insert(result.facts.begin(), {"model", task.model.folder.string()});
    if (!task.model.load.adapter.empty())
      result.facts.insert(result.facts.begin() + 1, {"adapter", task.model.load.adapter.string()});
    result.computed = encoder->counts().computed - before.computed;
    result.reused = encoder->counts().reused - before.reused;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

eval::Encoder& EvalRunner::encoder_of(const EvalTask& task) {
  if (encoder_ != nullptr && model_ == task.model && store_ == task.store) return *encoder_;
  eval::Encoder::Hooks hooks;
  hooks.check_stop = InterruptScope::check;
  hooks.begin = [this](const std::string& what, std::int64_t total) {
    progress_.reset();
    log_info("{} vectors of {} to compute", total, what);
    progress_.emplace(what, total);
  };
  hooks.advance = [this](std::int64_t items) { progress_->advance(items); };
  encoder_.reset();  // two encoders may not fit into memory
  model_ = task.model, store_ = task.store;
  encoder_ = std::make_unique<eval::Encoder>(
      model_.folder, eval::Encoder::Options{model_.load, model_.prepare, model_.run.token_budget},
      store_.empty() ? eval::default_store() : store_, std::move(hooks));
  return *encoder_;
}

int interruptible(const std::function<void(EvalRunner&)>& work) {
  const auto say = [] { tell("e5v: interrupted; the same command continues where it stopped\n"); };
  const InterruptScope interrupts(say);
  try {
    EvalRunner runner;
    work(runner);
    return kSuccess;
  } catch (const Interrupted&) {
    say();
    return 128 + InterruptScope::signal();
  }
}

}  // namespace e5v::app

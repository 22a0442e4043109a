#pragma once
#include <filesystem>
#include <memory>
#include <optional>

#include "e5v/embedder.h"
#include "embed/engine.h"
#include "embed/executor.h"
#include "embed/ordered_stream.h"
#include "scheduler/scheduler.h"

namespace e5v {

/// The implementation of an Embedder: a model on a thread of its own, which streams and submitted inputs share.
struct Embedder::Impl : scheduler::Worker {
  Impl(const std::filesystem::path& folder, const LoadOptions& options);
  ~Impl() override;

  void stream(const Stream& stream, const embed::StreamHooks& hooks, const RunOptions& run,
              const PrepareOptions& prepare);
  /// Throws InvalidInput for options that are out of their range.
  void check(const RunOptions& run, const PrepareOptions& prepare) const;
  /// Of a prompt, as a name or a template.
  std::shared_ptr<const Fingerprint> fingerprint(const std::string& prompt, const RunOptions& run,
                                                 const PrepareOptions& prepare);

  std::shared_ptr<const Fingerprint> fingerprint(const Input& input, const RunOptions& run,
                                                 const PrepareOptions& prepare) override;
  embed::PreparedInput prepare(const Input& input, const RunOptions& run, const PrepareOptions& prepare) override;
  embed::BatchVectors compute(std::span<const embed::PreparedInput> inputs) override;
  std::int64_t token_budget(std::int64_t asked) const override;

  scheduler::ComputeThread thread;
  std::unique_ptr<embed::Engine> engine;
  std::optional<embed::Executor> executor;
  std::optional<scheduler::Scheduler> scheduler;
};

}  // namespace e5v

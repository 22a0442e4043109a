#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "e5v/embedding.h"
#include "e5v/input.h"
#include "e5v/options.h"
#include "embed/executor.h"
#include "embed/prepare.h"

namespace e5v::scheduler {

/// What the scheduler schedules: a model.
class Worker {
 public:
  virtual ~Worker() = default;

  /// Where the input's vector will come from. Called from any thread. Throws InvalidInput for a prompt that is unknown
  /// and options that are out of range.
  virtual std::shared_ptr<const Fingerprint> fingerprint(const Input& input, const RunOptions& run,
                                                         const PrepareOptions& prepare) = 0;
  /// What the model takes for the input. Called from several threads at once. Throws InvalidInput.
  virtual embed::PreparedInput prepare(const Input& input, const RunOptions& run, const PrepareOptions& prepare) = 0;

  /// The vectors of a batch. Called from the compute thread.
  virtual embed::BatchVectors compute(std::span<const embed::PreparedInput> inputs) = 0;

  /// Rows of a batch when an input asks for so many.
  virtual std::int64_t token_budget(std::int64_t asked) const = 0;
};

}  // namespace e5v::scheduler

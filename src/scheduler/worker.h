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

/// The interface of a model for the scheduler.
class Worker {
 public:
  virtual ~Worker() = default;

  /// Returns the fingerprint that the input's vector will have. Called from any thread. Throws InvalidInput for an
  /// unknown prompt and for options out of range.
  virtual std::shared_ptr<const Fingerprint> fingerprint(const Input& input, const RunOptions& run,
                                                         const PrepareOptions& prepare) = 0;
  /// Prepares an input. Called from several threads at once. Throws InvalidInput.
  virtual embed::PreparedInput prepare(const Input& input, const RunOptions& run, const PrepareOptions& prepare) = 0;

  /// Computes the vectors of a batch. Called from the compute thread.
  virtual embed::BatchVectors compute(std::span<const embed::PreparedInput> inputs) = 0;

  /// Returns the token budget for a requested one; `asked` 0 means the default.
  virtual std::int64_t token_budget(std::int64_t asked) const = 0;
};

}  // namespace e5v::scheduler

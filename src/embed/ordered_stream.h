#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "e5v/embedder.h"
#include "embed/executor.h"

namespace e5v::embed {

/// Additions to a Stream for a run over a file. Each may be empty.
struct StreamHooks {
  /// Called before a batch is computed. false leaves the batch to another process, which runs the same stream and so
  /// forms the same batches; its inputs are returned with empty vectors. None: all batches are computed.
  std::function<bool()> computes;
  /// Called repeatedly while nothing is prepared. true means that next() waits for its input. Then the waiting inputs
  /// are computed and returned, so that a caller who gives one input gets one vector. Batches then depend on time.
  /// None: batches are filled however long that takes.
  std::function<bool()> waits;
};

/// The functions that a stream is computed with.
struct StreamEngine {
  std::function<PreparedInput(const Input&)> prepare;  ///< another thread calls it, one call at a time
  std::function<BatchVectors(std::span<const PreparedInput>)> compute;
  std::int64_t token_budget = 0;  ///< maximum rows of a batch
};

/// Runs a stream to its end. A thread prepares inputs ahead. Batches form in the order of the inputs, independent of
/// time, so that the same inputs give the same bits, and vectors are returned in that order. Throws what the functions
/// throw, InvalidInput for a bad input when there is no function to report it to, and ModelError for a vector that is
/// not finite.
void run_stream(const Stream& stream, const StreamHooks& hooks, const StreamEngine& engine);

}  // namespace e5v::embed

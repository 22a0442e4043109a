#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "e5v/embedder.h"
#include "embed/executor.h"

namespace e5v::embed {

/// What a run over a file asks beyond what a Stream says. Each may be empty.
struct StreamHooks {
  /// Asked before a batch is computed. false leaves it to another process that runs the same stream and so forms the
  /// same batches: its inputs are handed out with empty vectors. None: all batches are computed.
  std::function<bool()> computes;
  /// Asked again and again while nothing is prepared: true when next() waits for an input that has not come yet. Then
  /// what has come is computed and handed out, so that whoever gives one input gets one vector. What is a batch then
  /// depends on time. None: batches are filled whatever that takes.
  std::function<bool()> waits;
};

/// What a stream is computed by.
struct StreamEngine {
  std::function<PreparedInput(const Input&)> prepare;  ///< called from another thread, one call at a time
  std::function<BatchVectors(std::span<const PreparedInput>)> compute;
  std::int64_t token_budget = 0;  ///< rows of a batch
};

/// Runs a stream to its end: inputs are prepared ahead by a thread, batches form in their order whatever time it is, so
/// that the same inputs give the same bits, and vectors are handed out in that order. Throws what the functions throw,
/// InvalidInput for a bad input without a function to report it to, and ModelError for a vector that is not finite.
void run_stream(const Stream& stream, const StreamHooks& hooks, const StreamEngine& engine);

}  // namespace e5v::embed

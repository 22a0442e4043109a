#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "e5v/embedder.h"
#include "embed/items.h"
#include "embed/vector_sink.h"

namespace e5v::embed {

/// Somebody asked the run to stop. Not an Error: nothing is at fault.
struct Interrupted {};

/// What a run asks and tells its caller.
struct RunHooks {
  /// Throws Interrupted when the run is to stop; called between batches and while waiting for input, from two threads.
  std::function<void()> check_stop;
  /// An item that is left out, led by where it came from. None: the first bad item ends the run with its error.
  std::function<void(const std::string& message)> bad;
  /// A batch of so many items has been committed.
  std::function<void(std::int64_t items)> advanced;
};

/// Takes items from a source, embeds them, and gives ids and vectors to a sink, batch by batch.
class VectorRun {
 public:
  VectorRun(Embedder& embedder, ItemSource& source, VectorSink& sink, RunHooks hooks)
      : embedder_(embedder), source_(source), sink_(sink), hooks_(std::move(hooks)) {}

  /// Passes over the items that an earlier run has finished. Throws InvalidInput when they are others than they were.
  void skip_to(const RunPosition& position);

  /// Runs to the end and finishes the sink. Throws Interrupted, InvalidInput for a bad item or a source without items,
  /// and what the embedder and the sink throw. Batches committed before that stay.
  void run();

  const RunPosition& position() const { return position_; }

 private:
  /// An item between the source and its vector.
  struct InFlight {
    std::optional<Json> id;
    std::string where;
    bool unreadable = false;  // the source itself refused it
    Hash128 source;
  };

  std::optional<Input> next();
  InFlight pop();
  void take_bad(const InvalidInput& error);
  void end_batch();

  Embedder& embedder_;
  ItemSource& source_;
  VectorSink& sink_;
  RunHooks hooks_;
  RunPosition position_;  // of the last commit
  RunPosition reached_;   // behind the last item handed out

  std::mutex mutex_;  // of the member below
  std::deque<InFlight> in_flight_;
};

}  // namespace e5v::embed

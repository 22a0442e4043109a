#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/interrupted.h"
#include "e5v/embedder.h"
#include "runs/items.h"
#include "runs/shared_batches.h"
#include "runs/vector_sink.h"

/// A run: from a source of items through an embedder to a sink of vectors, in one process or in many.
namespace e5v::runs {

/// What a run asks and tells its caller.
struct RunHooks {
  /// Throws Interrupted when the run is to stop; called between batches and while waiting for input, from two threads.
  std::function<void()> check_stop;
  /// Receives the message about an item that is left out, which begins with the item's source. If the function is not
  /// set, the first bad item ends the run with its error.
  std::function<void(const std::string& message)> bad;
  /// A batch of so many items has been committed.
  std::function<void(std::int64_t items)> advanced;
  /// embed::StreamHooks::waits.
  std::function<bool()> waits;
};

/// What embeds the items, and how. The embedder must outlive the run.
struct RunModel {
  const Embedder* embedder;
  RunOptions run = {};
  PrepareOptions prepare = {};

  /// Numbers per vector.
  std::int64_t width() const { return run.dimensions > 0 ? run.dimensions : embedder->width(); }
};

/// Items in what is left of a source, bad ones included.
std::int64_t count_items(ItemSource& source);

/// Takes items from a source, embeds them, and gives ids and vectors to a sink, batch by batch. In a group of many, all
/// processes run over the same source and share the work; process 0 has the sink, the others none. The sink is given
/// the same in a group of any size.
class VectorRun {
 public:
  VectorRun(const processes::Group& group, const RunModel& model, ItemSource& source, VectorSink* sink, RunHooks hooks);

  /// Passes over the items that an earlier run has finished. Throws InvalidInput when they are others than they were.
  void skip_to(const RunPosition& position);

  /// Runs to the end and finishes the sink. Throws Interrupted, InvalidInput for a bad item or a source without items,
  /// and what the embedder and the sink throw. Batches before that have been committed and stay. Process 0 also throws
  /// what ended another process, which then waits to be ended.
  void run();

  /// Of the last commit; on processes without a sink, after the last batch.
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
  void commit(const DoneBatch& batch);
  void run_source();
  void lead();
  void help();

  const processes::Group& group_;
  RunModel model_;
  ItemSource& source_;
  VectorSink* sink_;
  RunHooks hooks_;
  RunPosition position_;  // of the last commit
  RunPosition reached_;   // after the last item handed out
  DoneBatch batch_;       // what was handed out since the last batch
  SharedBatches batches_;

  std::mutex mutex_;  // of the member below
  std::deque<InFlight> in_flight_;
};

}  // namespace e5v::runs

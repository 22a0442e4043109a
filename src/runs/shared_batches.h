#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "processes/group.h"
#include "runs/vector_sink.h"

/// How the processes of a group share the batches of a run.
namespace e5v::runs {

/// A batch on its way to the sink.
struct DoneBatch {
  std::vector<Json> ids;         ///< of the items that were not left out, S of them
  std::vector<float> vectors;    ///< [S, D]; empty where another process computes it
  std::vector<std::string> bad;  ///< why the others were
  RunPosition position;          ///< after its last item
};

/// Distributes the batches of a run to the processes of a group, one after another, and collects their vectors on
/// process 0 in order. Every process reads the whole input and forms all batches, which are those of a single process,
/// and computes its share. Only vectors are sent. Process 0 compares the items that the others have read with its own.
class SharedBatches {
 public:
  /// On process 0, `take` is given all batches in their order. check_stop is asked while waiting for other processes;
  /// what it throws ends the wait.
  SharedBatches(const processes::Group& group, std::int64_t width, std::function<void(const DoneBatch&)> take,
                std::function<void()> check_stop);

  /// True when this process is to compute the batch that add() will be given next.
  bool mine() const { return number_ % group_.size() == group_.index(); }

  /// The next batch; to be called for each, whoever computes it. Waits when process 0 is far ahead of the others or
  /// they are far ahead of it. Throws what `take` throws, the error with which another process has ended, and
  /// InvalidInput when another process found other items.
  void add(DoneBatch batch);

  /// Passes all remaining batches to `take`. Throws as add().
  void take_all();

  /// The input has ended here: checks that it did so for all processes. Throws as add().
  void finish(const RunPosition& position);

  /// For processes other than 0: tells process 0 what has ended this one (processes::verdict_of), and waits to be ended
  /// by it.
  void give_up(const std::string& verdict);

 private:
  struct Pending {
    int owner;
    DoneBatch batch;
  };
  bool take_front(bool wait);
  void post(std::string message);
  std::string receive(int from);
  void fill(int owner, std::string_view message, DoneBatch& batch) const;
  void check_same(int owner, std::string_view message, const RunPosition& mine) const;
  void pause() const;

  const processes::Group& group_;
  std::int64_t width_;
  std::function<void(const DoneBatch&)> take_;
  std::function<void()> check_stop_;
  std::int64_t number_ = 0;
  std::deque<Pending> pending_;
};

}  // namespace e5v::runs

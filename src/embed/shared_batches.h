#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "embed/vector_sink.h"
#include "ranks/group.h"

namespace e5v::embed {

/// A batch on its way to the sink.
struct DoneBatch {
  std::vector<Json> ids;         ///< of the items that were not left out, S of them
  std::vector<float> vectors;    ///< [S, D]; empty where another rank computes it
  std::vector<std::string> bad;  ///< why the others were
  RunPosition position;          ///< behind its last item
};

/// Deals the batches of a run to the ranks of a group, one after another, and brings their vectors to rank 0 in order.
/// Every rank runs through the whole input and so forms all batches, the same ones as a process that is alone; it
/// computes its share. Nothing but vectors is sent, and rank 0 compares what the others found with its own.
class SharedBatches {
 public:
  /// On rank 0, `take` is given all batches in their order. check_stop is asked while waiting for other ranks; what it
  /// throws ends the wait.
  SharedBatches(const ranks::Group& group, std::int64_t width, std::function<void(const DoneBatch&)> take,
                std::function<void()> check_stop);

  /// True when this rank is to compute the batch that add() will be given next.
  bool mine() const { return number_ % group_.size() == group_.rank(); }

  /// The next batch; to be called for each, whoever computes it. Waits when rank 0 lags far behind or is far ahead.
  /// Throws what `take` throws, the error with which another rank has ended, and InvalidInput when another rank found
  /// other items.
  void add(DoneBatch batch);

  /// Hands all of them to `take`. Throws as add().
  void take_all();

  /// The input has ended here: checks that it did so for all ranks. Throws as add().
  void finish(const RunPosition& position);

  /// For ranks other than 0: tells rank 0 what has ended this one (ranks::verdict_of), and waits to be ended by it.
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

  const ranks::Group& group_;
  std::int64_t width_;
  std::function<void(const DoneBatch&)> take_;
  std::function<void()> check_stop_;
  std::int64_t number_ = 0;
  std::deque<Pending> pending_;
};

}  // namespace e5v::embed

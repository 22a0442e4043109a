#pragma once
#include <cstdint>
#include <vector>

#include "train/shuffle.h"

namespace e5v::train {

/// Which rows each step is made of. A batch comes from one source; in each epoch every training row of every source is
/// used once, sources in random turns. Nothing but numbers: a step's rows follow from the seed.
class BatchPlan {
 public:
  struct Batch {
    std::size_t source = 0;
    std::int64_t epoch = 0;           ///< from 0
    std::vector<std::int64_t> rows;  ///< of the source; fewer than the batch size at an epoch's end
  };

  /// `sources`: the order of each source's rows. Throws InvalidInput unless there is a source and batch > 0.
  BatchPlan(std::vector<RowOrder> sources, std::int64_t batch, std::uint64_t seed);

  std::int64_t batches_per_epoch() const { return first_batch_.back(); }
  std::int64_t batch_size() const { return batch_; }
  const RowOrder& order(std::size_t source) const { return sources_[source]; }
  /// The batch of a step, counted from 0.
  Batch at(std::int64_t step) const;

 private:
  std::vector<RowOrder> sources_;
  std::int64_t batch_;
  std::uint64_t seed_;
  std::vector<std::int64_t> first_batch_;  // of each source in an epoch that takes them one by one; then their number
};

}  // namespace e5v::train

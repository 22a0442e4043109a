#pragma once
#include <cstdint>
#include <vector>

#include "train/shuffle.h"

namespace e5v::train {

/// The rows of each step. A batch comes from one source. In each epoch, every training row of every source is used
/// once, and the order of the sources is random. The rows of a step are computed from the seed.
class BatchPlan {
 public:
  struct Batch {
    std::size_t source = 0;
    std::int64_t epoch = 0;          ///< counted from 0
    std::vector<std::int64_t> rows;  ///< of the source; the last batch of an epoch may be smaller
  };

  /// `sources` holds the order of each source's rows. Throws InvalidInput unless there is a source and batch > 0.
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
  std::vector<std::int64_t> first_batch_;  // the index of each source's first batch in an epoch without a random order;
                                           // then the number of batches
};

}  // namespace e5v::train

#include "train/batch_plan.h"

#include <algorithm>

#include "base/error.h"

namespace e5v::train {

BatchPlan::BatchPlan(std::vector<RowOrder> sources, std::int64_t batch, std::uint64_t seed)
    : sources_(std::move(sources)), batch_(batch), seed_(seed), first_batch_{0} {
  require(!sources_.empty(), "[train] no source of rows");
  require(batch > 0, "[train] a batch of {} rows", batch);
  for (const RowOrder& order : sources_) {
    first_batch_.push_back(first_batch_.back() + (order.training_rows() - 1) / batch + 1);
  }
}

BatchPlan::Batch BatchPlan::at(std::int64_t step) const {
  constexpr std::uint64_t kSourceOrders = std::uint64_t{1} << 40;  // other streams than those of RowOrder
  Batch batch;
  batch.epoch = step / batches_per_epoch();
  const Permutation order_of_batches(batches_per_epoch(), seed_,
                                     kSourceOrders + static_cast<std::uint64_t>(batch.epoch));
  // A single source keeps its order, so that the short batch comes last.
  const std::int64_t place = step % batches_per_epoch();
  const std::int64_t index = sources_.size() == 1 ? place : order_of_batches.at(place);
  const auto next = std::upper_bound(first_batch_.begin(), first_batch_.end(), index);
  batch.source = static_cast<std::size_t>(next - first_batch_.begin()) - 1;
  const RowOrder& order = sources_[batch.source];
  const std::int64_t from = (index - first_batch_[batch.source]) * batch_;
  for (std::int64_t i = from; i < std::min(from + batch_, order.training_rows()); ++i) {
    batch.rows.push_back(order.training(batch.epoch, i));
  }
  return batch;
}

}  // namespace e5v::train

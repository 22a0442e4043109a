#pragma once
#include <functional>
#include <vector>

#include "embed/batch.h"
#include "scheduler/job.h"

namespace e5v::scheduler {

/// Selects the ready jobs of the next batch.
///
/// Batches of texts and batches of images alternate if both are ready; a text batch is first. A higher priority
/// overrides this order. A text batch contains only texts. An image batch also contains ready texts: those that fit
/// into the budget and, even if it is full, texts with up to a quarter of the budget's rows. So a text that is
/// submitted during an image batch waits only for the end of this batch, however many images are queued. And at least
/// every other batch contains images, however many texts are queued.
class BatchPolicy {
 public:
  /// Returns the token budget of a batch whose first input requested `asked` rows (0: the default).
  using Budget = std::function<std::int64_t(std::int64_t asked)>;

  explicit BatchPolicy(Budget budget) : budget_(std::move(budget)) {}

  struct Chosen {
    std::vector<std::shared_ptr<Job>> jobs;
    embed::Batch batch;  ///< the prepared inputs of the jobs, moved out of them
  };
  /// Removes the jobs of the next batch from `ready`, which must not be empty.
  Chosen next(Lanes& ready);

 private:
  bool is_images_turn(const Lanes& ready) const;

  Budget budget_;
  bool images_waited_ = false;  // images were ready when the last text batch was selected
};

}  // namespace e5v::scheduler

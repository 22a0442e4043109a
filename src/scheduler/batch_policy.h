#pragma once
#include <functional>
#include <vector>

#include "embed/batch.h"
#include "scheduler/job.h"

namespace e5v::scheduler {

/// Chooses what is computed next of what is ready.
///
/// Texts and images take turns to lead a batch, texts first; priorities go before turns. A batch of texts holds texts
/// alone. A batch of images holds the texts that wait, as well, in a quarter of its rows: so a text that comes while
/// images are computed waits for the end of one batch, however many images wait, and images get every other batch,
/// however many texts wait.
class BatchPolicy {
 public:
  /// Rows of a batch that is led by an input that asked for so many.
  using Budget = std::function<std::int64_t(std::int64_t asked)>;

  explicit BatchPolicy(Budget budget) : budget_(std::move(budget)) {}

  struct Chosen {
    std::vector<std::shared_ptr<Job>> jobs;
    embed::Batch batch;  ///< their prepared inputs, which it has taken
  };
  /// Takes the next batch out of what is ready, which must not be empty.
  Chosen next(Lanes& ready);

 private:
  bool is_images_turn(const Lanes& ready) const;

  Budget budget_;
  bool images_waited_ = false;  // while a batch of texts was computed
};

}  // namespace e5v::scheduler

#include "scheduler/batch_policy.h"

namespace e5v::scheduler {
namespace {

/// The maximum number of image jobs that are checked for one that still fits into the batch.
constexpr int kLookedAt = 64;

Lanes::Lane::iterator take(Lanes::Lane& lane, Lanes::Lane::iterator place, BatchPolicy::Chosen& chosen) {
  const std::shared_ptr<Job> job = *place;
  const auto next = lane.erase(place);
  job->state = State::computing;
  chosen.batch.add(std::move(job->prepared));
  chosen.jobs.push_back(job);
  return next;
}

void take_texts(Lanes::Lane& texts, BatchPolicy::Chosen& chosen, std::int64_t room) {
  for (auto place = texts.begin(); place != texts.end();) {
    const std::int64_t tokens = (*place)->prepared.tokens();
    if (room < tokens && !chosen.batch.fits((*place)->prepared)) return;
    room -= tokens;
    place = take(texts, place, chosen);
  }
}

void take_images(Lanes::Lane& images, BatchPolicy::Chosen& chosen) {
  int looked_at = 0;
  for (auto place = images.begin(); place != images.end() && looked_at < kLookedAt; ++looked_at) {
    place = chosen.batch.fits((*place)->prepared) ? take(images, place, chosen) : std::next(place);
  }
}

}  // namespace

BatchPolicy::Chosen BatchPolicy::next(Lanes& ready) {
  const bool images = is_images_turn(ready);
  const Job& leader = **(images ? ready.images : ready.texts).begin();
  const std::int64_t budget = budget_(leader.request.run.token_budget);
  Chosen chosen{{}, embed::Batch(budget)};
  if (images) {
    take_images(ready.images, chosen);
    take_texts(ready.texts, chosen, embed::Batch::sharers_room(budget));
  } else {
    take_texts(ready.texts, chosen, 0);
  }
  images_waited_ = !images && !ready.images.empty();
  return chosen;
}

bool BatchPolicy::is_images_turn(const Lanes& ready) const {
  if (ready.images.empty() || ready.texts.empty()) return ready.texts.empty();
  const int image = (*ready.images.begin())->priority, text = (*ready.texts.begin())->priority;
  return image != text ? image > text : images_waited_;
}

}  // namespace e5v::scheduler

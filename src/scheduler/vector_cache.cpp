#include "scheduler/vector_cache.h"

namespace e5v::scheduler {

std::optional<EmbeddedInput> VectorCache::find(const Hash128& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->vector;
}

void VectorCache::add(const Hash128& key, const EmbeddedInput& vector) {
  if (bytes_of(vector) > most_ || places_.contains(key)) return;
  entries_.push_front({key, vector});
  places_[key] = entries_.begin();
  bytes_ += bytes_of(vector);
  while (bytes_ > most_) {
    bytes_ -= bytes_of(entries_.back().vector);
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

std::int64_t VectorCache::bytes_of(const EmbeddedInput& vector) {
  return kOverhead + static_cast<std::int64_t>(vector.vector.size() * sizeof(float));
}

}  // namespace e5v::scheduler

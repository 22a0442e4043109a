#include "stores/recall.h"

#include <chrono>
#include <set>

namespace e5v::stores {
namespace {

/// The hashes of what a search finds; adds its time.
std::set<Hash128> found_by(PhotoStore& store, const StoreQuery& query, double& seconds) {
  const auto begin = std::chrono::steady_clock::now();
  std::set<Hash128> found;
  for (const StoreMatch& match : store.search(query)) found.insert(match.photo.hash);
  seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return found;
}

}  // namespace

Recall measure_recall(PhotoStore& store, std::int64_t queries, std::int64_t top) {
  Recall recall{.top = top};
  std::int64_t expected = 0, found = 0;
  for (const StoredPhoto& photo : store.sample(queries)) {
    StoreQuery query;
    query.top = top;
    query.without = photo.hash;
    for (const tensor::Half value : photo.vector) query.vector.push_back(static_cast<float>(value));
    const std::set<Hash128> exact = found_by(store, query, recall.exact_seconds);
    query.exact = false;
    const std::set<Hash128> near = found_by(store, query, recall.near_seconds);
    expected += std::ssize(exact);
    for (const Hash128& hash : exact) found += near.contains(hash) ? 1 : 0;
    ++recall.queries;
  }
  if (expected > 0) recall.share = static_cast<double>(found) / static_cast<double>(expected);
  if (recall.queries > 0) {
    recall.exact_seconds /= static_cast<double>(recall.queries);
    recall.near_seconds /= static_cast<double>(recall.queries);
  }
  return recall;
}

}  // namespace e5v::stores

#pragma once
#include <cstdint>

#include "stores/photo_store.h"

namespace e5v::stores {

/// The recall of searches that are not exact.
struct Recall {
  double share = 1;  ///< of the photos of exact lists that the others have, too
  std::int64_t queries = 0, top = 0;
  double exact_seconds = 0, near_seconds = 0;  ///< the mean time of a search
};

/// Measures the recall of a store on its own vectors: random photos, at most `queries`, are searched for exactly and
/// with the index.
Recall measure_recall(PhotoStore& store, std::int64_t queries = 50, std::int64_t top = 10);

}  // namespace e5v::stores

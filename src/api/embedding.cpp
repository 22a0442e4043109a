#include "e5v/embedding.h"

#include <algorithm>

namespace e5v {

void Embeddings::add(const Embedding& embedding) {
  values.insert(values.end(), embedding.vector.begin(), embedding.vector.end());
  token_counts.push_back(embedding.tokens);
  const auto found = std::ranges::find(fingerprints, *embedding.fingerprint);
  fingerprint_index.push_back(static_cast<std::size_t>(found - fingerprints.begin()));
  if (found == fingerprints.end()) fingerprints.push_back(*embedding.fingerprint);
}

}  // namespace e5v

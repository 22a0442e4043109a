#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "e5v/embedder.h"

namespace e5v::scheduler {

/// A cache of vectors by the hash of their input, with a maximum size in bytes. The least recently used vectors are
/// removed first. Not thread-safe.
class VectorCache {
 public:
  /// The maximum size of an entry in addition to its vector, in bytes.
  static constexpr std::int64_t kOverhead = 256;

  explicit VectorCache(std::int64_t most_bytes) : most_(most_bytes) {}

  /// Returns the vector of a key and makes it the most recently used one.
  std::optional<EmbeddedInput> find(const Hash128& key);
  /// Adds a vector, unless it is larger than the cache.
  void add(const Hash128& key, const EmbeddedInput& vector);

  std::int64_t bytes() const { return bytes_; }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Hash128 key;
    EmbeddedInput vector;
  };
  static std::int64_t bytes_of(const EmbeddedInput& vector);

  std::int64_t most_, bytes_ = 0;
  std::list<Entry> entries_;  // the most recently used first
  std::map<Hash128, std::list<Entry>::iterator> places_;
};

}  // namespace e5v::scheduler

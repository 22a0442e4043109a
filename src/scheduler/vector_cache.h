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

/// Vectors by what they are of, bounded in bytes: the least recently used go first. Not for several threads at once.
class VectorCache {
 public:
  /// What an entry takes beyond its numbers, at most.
  static constexpr std::int64_t kOverhead = 256;

  explicit VectorCache(std::int64_t most_bytes) : most_(most_bytes) {}

  /// The vector of a key, which is then the most recently used one.
  std::optional<EmbeddedInput> find(const Hash128& key);
  /// Keeps a vector, unless it alone is too large.
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

#pragma once
#include <cstdint>
#include <vector>

namespace e5v::text {

/// The token that two neighbouring tokens become, and the rank of this merge. A lower rank is earlier.
struct Merge {
  std::int32_t rank = 0;
  std::int32_t id = 0;
};

/// A map (left id, right id) -> Merge. It uses open addressing with linear probing, because encoding asks it several
/// times for each character, and a map of nodes would miss the cache at every step.
class MergeTable {
 public:
  /// A table for `count` merges.
  explicit MergeTable(std::size_t count = 0);

  /// Adds a merge, or replaces the merge of a pair. At most `count` pairs may be added.
  void set(std::int32_t left, std::int32_t right, Merge merge);

  /// The merge of a pair, or null.
  const Merge* find(std::int32_t left, std::int32_t right) const;

 private:
  struct Slot {
    std::uint64_t key = kEmpty;
    Merge merge;
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};  // no pair: ids are not negative

  std::size_t slot_of(std::uint64_t key) const;

  std::vector<Slot> slots_;
};

}  // namespace e5v::text

#pragma once
#include <cstdint>
#include <vector>

namespace e5v::text {

/// What two neighbouring tokens become, and how early: the lower the rank, the earlier.
struct Merge {
  std::int32_t rank = 0;
  std::int32_t id = 0;
};

/// (left id, right id) -> Merge. Open addressing with linear probing: encoding asks it several times for each
/// character, and a node-based map would miss the cache at every step.
class MergeTable {
 public:
  /// Room for `count` merges.
  explicit MergeTable(std::size_t count = 0);

  /// Adds a merge; a pair that is there already gets the new one. At most `count` pairs may be added.
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

#include "text/merge_table.h"

#include <bit>

namespace e5v::text {
namespace {

std::uint64_t key_of(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
}

}  // namespace

// At most two thirds of the slots are used, so that a search ends after a few slots.
MergeTable::MergeTable(std::size_t count) : slots_(std::bit_ceil(count + count / 2 + 2)) {}

void MergeTable::set(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  slots_[slot_of(key)] = {key, merge};
}

const Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const Slot& slot = slots_[slot_of(key_of(left, right))];
  return slot.key == kEmpty ? nullptr : &slot.merge;
}

std::size_t MergeTable::slot_of(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  // A multiplication by 2^64 / golden ratio spreads neighbouring ids. Its high half is well mixed.
  std::size_t slot = (key * 0x9E3779B97F4A7C15u >> 32) & mask;
  while (slots_[slot].key != key && slots_[slot].key != kEmpty) slot = (slot + 1) & mask;
  return slot;
}

}  // namespace e5v::text

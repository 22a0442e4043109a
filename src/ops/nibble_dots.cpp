#include "ops/nibble_dots.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "ops/cpu/nibble_dot.h"

namespace e5v::ops {
namespace {

constexpr std::size_t kWords = kNibbleGroup / 4;  // of a group

/// The largest number of levels for which sums of products with numbers below 16 stay in 32 bits.
int nibble_levels(std::size_t columns) {
  constexpr std::int64_t kMaxColumns = 65536, kMaxFactor = 15;
  require(columns > 0 && std::cmp_less_equal(columns, kMaxColumns), "[nibble_dots] x has {} numbers, expected 1 to {}",
          columns, kMaxColumns);
  const std::int64_t levels =
      std::numeric_limits<std::int32_t>::max() / (kMaxFactor * static_cast<std::int64_t>(columns));
  return static_cast<int>(std::min<std::int64_t>(levels, std::numeric_limits<std::int16_t>::max()));
}

}  // namespace

void pack_nibbles(std::span<const std::uint8_t> numbers, std::span<std::byte> row) {
  require(std::ssize(row) == nibble_row_bytes(std::ssize(numbers)), "[pack_nibbles] the row has {} bytes, expected {}",
          row.size(), nibble_row_bytes(std::ssize(numbers)));
  std::ranges::fill(row, std::byte{0});
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t group = i / kNibbleGroup, part = i % kNibbleGroup / kWords, word = i % kWords;
    row[group * (kNibbleGroup / 2) + 2 * word + part / 2] |= std::byte(numbers[i] << (4 * (part % 2)));
  }
}

NibbleFactor::NibbleFactor(std::span<const float> x_K)
    : rounded_(round_vector(x_K, nibble_levels(x_K.size()))),
      groups_((x_K.size() + kNibbleGroup - 1) / kNibbleGroup),
      padded_(groups_ * kNibbleGroup),
      sum_(std::accumulate(rounded_.values.begin(), rounded_.values.end(), std::int64_t{0})) {
  std::ranges::copy(rounded_.values, padded_.begin());
}

std::int32_t NibbleFactor::dot(const std::byte* row) const { return cpu::nibble_dot(padded_.data(), row, groups_); }

}  // namespace e5v::ops

#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "ops/byte_dots.h"

namespace e5v::ops {

/// Rows of numbers of 4 bits, 0 to 15, are stored in groups of 128. A group has 32 words of 16 bits; word j holds the
/// numbers j, 32 + j, 64 + j and 96 + j, the first one in the lowest bits. The last group is filled with zeros.
inline constexpr std::int64_t kNibbleGroup = 128;

/// The bytes of a row of `columns` numbers.
constexpr std::int64_t nibble_row_bytes(std::int64_t columns) {
  return (columns + kNibbleGroup - 1) / kNibbleGroup * (kNibbleGroup / 2);
}

/// Packs numbers below 16. Throws InvalidInput unless `row` has nibble_row_bytes(numbers.size()) bytes.
void pack_nibbles(std::span<const std::uint8_t> numbers, std::span<std::byte> row);

/// A vector that is multiplied with rows of 4-bit numbers.
class NibbleFactor {
 public:
  /// x_K f32 [K], finite; K is at most 65536, so that sums stay in 32 bits.
  explicit NibbleFactor(std::span<const float> x_K);

  const RoundedVector& rounded() const { return rounded_; }
  /// The sum of the whole numbers of x.
  std::int64_t sum() const { return sum_; }
  /// The dot product of the whole numbers of x with a row of nibble_row_bytes(K) bytes, exact.
  std::int32_t dot(const std::byte* row) const;

 private:
  RoundedVector rounded_;
  std::size_t groups_;
  std::vector<std::int16_t> padded_;
  std::int64_t sum_ = 0;
};

}  // namespace e5v::ops

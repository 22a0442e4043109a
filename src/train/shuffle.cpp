#include "train/shuffle.h"

#include <bit>

#include "base/error.h"

namespace e5v::train {
namespace {

constexpr std::uint64_t kRounds = 8;

std::uint64_t require_size(std::int64_t size) {
  require(size > 0, "[shuffle] expected at least one row, found {}", size);
  return static_cast<std::uint64_t>(size);
}

std::int64_t require_held_out(std::int64_t held_out, std::int64_t rows) {
  require(held_out >= 0 && held_out < rows, "[shuffle] expected to hold out fewer than the {} rows, found {}", rows,
          held_out);
  return held_out;
}

void require_place(std::int64_t i, std::int64_t size) {
  require(i >= 0 && i < size, "[shuffle] expected a place of the {} there are, found {}", size, i);
}

}  // namespace

Permutation::Permutation(std::int64_t size, std::uint64_t seed, std::uint64_t stream)
    : size_(require_size(size)),
      low_bits_(static_cast<int>(std::bit_width(size_ - 1)) / 2),
      high_bits_(static_cast<int>(std::bit_width(size_ - 1)) - low_bits_),
      random_(seed, stream) {}

std::int64_t Permutation::at(std::int64_t i) const {
  require_place(i, size());
  auto value = static_cast<std::uint64_t>(i);
  do {
    value = scramble(value);
  } while (value >= size_);
  return static_cast<std::int64_t>(value);
}

/// A permutation of all numbers of low_bits_ + high_bits_ bits: each half in turn is changed by a hash of the other.
std::uint64_t Permutation::scramble(std::uint64_t value) const {
  const std::uint64_t low_mask = (std::uint64_t{1} << low_bits_) - 1, high_mask = (std::uint64_t{1} << high_bits_) - 1;
  std::uint64_t low = value & low_mask, high = value >> low_bits_;
  for (std::uint64_t round = 0; round < kRounds; round += 2) {
    high ^= random_.block(round << 32 | low)[0] & high_mask;
    low ^= random_.block((round + 1) << 32 | high)[0] & low_mask;
  }
  return high << low_bits_ | low;
}

RowOrder::RowOrder(std::int64_t rows, std::int64_t held_out, std::uint64_t seed)
    : seed_(seed), held_out_(require_held_out(held_out, rows)), split_(rows, seed, 0) {}

std::int64_t RowOrder::training(std::int64_t epoch, std::int64_t i) const {
  require(epoch >= 0, "[shuffle] expected an epoch from 0, found {}", epoch);
  const Permutation order(training_rows(), seed_, static_cast<std::uint64_t>(epoch) + 1);
  return split_.at(order.at(i));
}

std::int64_t RowOrder::held_out(std::int64_t i) const {
  require_place(i, held_out_);
  return split_.at(training_rows() + i);
}

}  // namespace e5v::train

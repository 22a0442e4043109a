#include "train/shuffle.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

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
  require(i >= 0 && i < size, "[shuffle] expected a place from 0 to below {}, found {}", size, i);
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

/// A permutation of all numbers with low_bits_ + high_bits_ bits. Alternately, a hash of one half changes the other
/// half.
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

RowOrder::RowOrder(std::vector<std::int32_t> groups, std::int64_t together, std::int64_t held_out, std::uint64_t seed)
    : RowOrder(static_cast<std::int64_t>(groups.size()), held_out, seed) {
  require(together > 1, "[shuffle] expected at least two rows together, found {}", together);
  groups_ = std::move(groups);
  together_ = together;
}

/// The rows of each group are ordered by random numbers and cut into bunches. The order of the bunches is random.
std::vector<std::int64_t> RowOrder::in_bunches(std::int64_t epoch) const {
  constexpr std::uint64_t kChoices = std::uint64_t{1} << 41;  // other streams than those of RowOrder and BatchPlan
  const Philox random(seed_, kChoices + static_cast<std::uint64_t>(epoch));
  struct Entry {
    std::int64_t group, row;
    std::uint32_t number;
  };
  std::vector<Entry> entries;
  for (std::int64_t i = 0; i < training_rows(); ++i) {
    const std::int64_t row = split_.at(i);
    const std::int32_t group = groups_[static_cast<std::size_t>(row)];
    entries.push_back({group < 0 ? -1 - row : group, row, random.at(static_cast<std::uint64_t>(row))});
  }
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tuple(e.group, e.number, e.row); });
  std::vector<std::size_t> starts;  // the first row of each bunch
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool fits = !starts.empty() && entries[i].group == entries[starts.back()].group &&
                      i - starts.back() < static_cast<std::size_t>(together_);
    if (!fits) starts.push_back(i);
  }
  const auto bunches = static_cast<std::int64_t>(starts.size());
  starts.push_back(entries.size());
  const Permutation order(bunches, seed_, static_cast<std::uint64_t>(epoch) + 1);
  std::vector<std::int64_t> rows;
  for (std::int64_t place = 0; place < bunches; ++place) {
    const auto bunch = static_cast<std::size_t>(order.at(place));
    for (std::size_t i = starts[bunch]; i < starts[bunch + 1]; ++i) rows.push_back(entries[i].row);
  }
  return rows;
}

std::int64_t RowOrder::training(std::int64_t epoch, std::int64_t i) const {
  require(epoch >= 0, "[shuffle] expected an epoch of 0 or more, found {}", epoch);
  if (together_ > 1) {
    require_place(i, training_rows());
    if (epoch_of_bunches_ != epoch) {
      bunches_ = in_bunches(epoch);
      epoch_of_bunches_ = epoch;
    }
    return bunches_[static_cast<std::size_t>(i)];
  }
  const Permutation order(training_rows(), seed_, static_cast<std::uint64_t>(epoch) + 1);
  return split_.at(order.at(i));
}

std::int64_t RowOrder::held_out(std::int64_t i) const {
  require_place(i, held_out_);
  return split_.at(training_rows() + i);
}

}  // namespace e5v::train

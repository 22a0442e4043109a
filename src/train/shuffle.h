#pragma once
#include <cstdint>
#include <vector>

#include "base/philox.h"

namespace e5v::train {

/// A random order of [0, size) that is computed for each place and never held in memory. It is a Feistel network over
/// the smallest power of two that is not less than size, with Philox as its round function. A result of size or more
/// goes through the network again (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). The order
/// is the same on every machine.
class Permutation {
 public:
  /// `seed` and `stream` select the order. Throws InvalidInput unless size > 0.
  Permutation(std::int64_t size, std::uint64_t seed, std::uint64_t stream);

  std::int64_t size() const { return static_cast<std::int64_t>(size_); }
  /// The number at place i. Throws InvalidInput unless i is in [0, size).
  std::int64_t at(std::int64_t i) const;

 private:
  std::uint64_t scramble(std::uint64_t value) const;

  std::uint64_t size_;
  int low_bits_, high_bits_;
  Philox random_;
};

/// The training rows of a file in their order, and the held-out rows. The seed alone selects the held-out rows; each
/// epoch has another order of the training rows.
class RowOrder {
 public:
  /// Throws InvalidInput unless 0 <= held_out < rows.
  RowOrder(std::int64_t rows, std::int64_t held_out, std::uint64_t seed);
  /// The rows of a group come in bunches of `together`, or of what is left of the group. In each epoch the bunches have
  /// other rows and another order. `groups` has a number for each row; a row with a negative number is in no group.
  /// Takes 12 bytes per row. Throws InvalidInput unless together > 1 and 0 <= held_out < rows.
  RowOrder(std::vector<std::int32_t> groups, std::int64_t together, std::int64_t held_out, std::uint64_t seed);

  std::int64_t training_rows() const { return split_.size() - held_out_; }
  std::int64_t held_out_rows() const { return held_out_; }

  /// The row at place i of [0, training_rows()) in an epoch, counted from 0. Throws InvalidInput for another place. One
  /// thread at a time may call it.
  std::int64_t training(std::int64_t epoch, std::int64_t i) const;
  /// Held-out row i of [0, held_out_rows()). Throws InvalidInput for another i.
  std::int64_t held_out(std::int64_t i) const;

 private:
  std::vector<std::int64_t> in_bunches(std::int64_t epoch) const;

  std::uint64_t seed_;
  std::int64_t held_out_;
  Permutation split_;
  std::vector<std::int32_t> groups_;
  std::int64_t together_ = 1;
  mutable std::vector<std::int64_t> bunches_;  // the order of one epoch
  mutable std::int64_t epoch_of_bunches_ = -1;
};

}  // namespace e5v::train

#pragma once
#include <cstdint>
#include <vector>

#include "base/philox.h"

namespace e5v::train {

/// A random order of [0, size) that is computed place by place and never held in memory: a Feistel network over the
/// smallest power of two that is no less than size, whose round function is Philox; results of size or more go through
/// it again until they are less (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). The same on
/// every machine.
class Permutation {
 public:
  /// `seed` and `stream` pick the order. Throws InvalidInput unless size > 0.
  Permutation(std::int64_t size, std::uint64_t seed, std::uint64_t stream);

  std::int64_t size() const { return static_cast<std::int64_t>(size_); }
  /// What stands at place i. Throws InvalidInput unless i is in [0, size).
  std::int64_t at(std::int64_t i) const;

 private:
  std::uint64_t scramble(std::uint64_t value) const;

  std::uint64_t size_;
  int low_bits_, high_bits_;
  Philox random_;
};

/// Which rows of a file are trained on, in which order, and which are kept for evaluation. The seed alone says which
/// are kept; each epoch has an order of its own for the others.
class RowOrder {
 public:
  /// Throws InvalidInput unless 0 <= held_out < rows.
  RowOrder(std::int64_t rows, std::int64_t held_out, std::uint64_t seed);
  /// Rows of a group follow one another in bunches of `together`, or of what is left of the group: another choice in
  /// each epoch, bunches in random order. `groups` has a number for each row; no other row is like one below 0. Keeps
  /// 12 bytes a row. Throws InvalidInput unless together > 1 and there are as many groups as rows.
  RowOrder(std::vector<std::int32_t> groups, std::int64_t together, std::int64_t held_out, std::uint64_t seed);

  std::int64_t training_rows() const { return split_.size() - held_out_; }
  std::int64_t held_out_rows() const { return held_out_; }

  /// The row at place i of [0, training_rows()) in an epoch, counted from 0. Throws InvalidInput for another place.
  /// Not for several threads at a time.
  std::int64_t training(std::int64_t epoch, std::int64_t i) const;
  /// Row i of [0, held_out_rows()) of those that are kept. Throws InvalidInput for another i.
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

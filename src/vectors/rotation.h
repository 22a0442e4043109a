#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace e5v::vectors {

/// A fixed random rotation: it keeps lengths and dot products, and spreads every vector evenly over its dimensions. So
/// all vectors can be rounded with the same few levels, also those of language models, which have a few large entries.
/// Random signs and a Hadamard transform of as many dimensions as a power of two has; if that is not all of them, a
/// second time of the last ones. Source: Ailon and Chazelle, "Approximate nearest neighbors and the fast
/// Johnson-Lindenstrauss transform", STOC 2006.
class Rotation {
 public:
  /// Throws InvalidInput unless 1 <= width <= 65536.
  explicit Rotation(std::int64_t width);

  std::int64_t width() const { return static_cast<std::int64_t>(signs_.size()); }
  /// Rotates x f32 [width] in place.
  void apply(std::span<float> x_D) const;

  /// The length of what rounding in f32 adds to a rotated vector, at most, as a share of its length: 2 passes of at
  /// most 16 stages and a scaling, with 2^-24 each.
  static constexpr float kError = 40 * 0x1p-24f;

 private:
  std::vector<float> signs_;  // times the scale of a transform
  std::size_t power_;         // the largest power of two that is not above the width
};

}  // namespace e5v::vectors

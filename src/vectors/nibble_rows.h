#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"
#include "vectors/rotation.h"

namespace e5v::vectors {

/// What rounding did to a vector. All lengths are upper bounds.
struct RowBounds {
  float step = 0;  ///< of the levels; a rotated vector is about step * (16 high + low), -128 <= 16 high + low < 128
  float lost_high = 0;  ///< the length of its difference to step * (16 high + 7.5)
  float lost = 0;       ///< the length of its difference to step * (16 high + low)
  float length = 0;     ///< of the vector
};

/// Vectors that are rotated and rounded to 8 bits, in two planes of 4 bits: half of the bytes decides almost all
/// comparisons. high + 8 and low are rows of ops/nibble_dots. Borrowed; they may be mapped files.
struct NibbleRows {
  std::int64_t width = 0;
  std::span<const std::byte> high, low;  // [rows, nibble_row_bytes(width)]
  std::span<const RowBounds> bounds;     // [rows]

  std::int64_t rows() const { return std::ssize(bounds); }
  const std::byte* high_row(std::int64_t row) const;
  const std::byte* low_row(std::int64_t row) const;
};

/// Rows that are appended, in memory.
class NibbleBuffer {
 public:
  explicit NibbleBuffer(std::int64_t width) : rotation_(width) {}

  /// Appends the rounded form of vectors: f16 or f32 [N, D], finite. Throws InvalidInput if their width or type is
  /// another one.
  void append(tensor::ConstMatrix vectors_ND);
  void clear();

  /// Valid until the next append().
  NibbleRows rows() const { return {rotation_.width(), high_, low_, bounds_}; }

 private:
  Rotation rotation_;
  std::vector<std::byte> high_, low_;
  std::vector<RowBounds> bounds_;
};

/// Borrowed numbers as a matrix f32 [rows, numbers.size() / rows].
tensor::Matrix matrix_of_floats(std::span<float> numbers, std::int64_t rows);

/// Copies rows [begin, begin + out_ND.rows) of a matrix f16 or f32 as f32.
void copy_as_floats(tensor::ConstMatrix vectors_ND, std::int64_t begin, tensor::Matrix out_ND);

}  // namespace e5v::vectors

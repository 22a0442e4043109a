#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace e5v::vectors {

/// The numbers of a file of vectors: f16, bf16, f32 or f64, little-endian, [rows, columns] row by row. Borrowed, and
/// perhaps at odd addresses.
struct VectorArray {
  const std::byte* numbers = nullptr;
  tensor::DType dtype = tensor::DType::f32;
  std::int64_t rows = 0, columns = 0;

  /// Row i, widened into [columns]; that rounds no number of these types.
  void read(std::int64_t i, std::span<double> row) const;
};

/// Throws InvalidInput, whose message begins with `name`, for the first row that contains NaN or infinity or is all
/// zeros. Returns whether the vectors can be used without a copy: they are f32, aligned, and of length 1 up to the
/// rounding of f32.
bool require_directions(const VectorArray& array, const std::string& name);

/// The vectors scaled to length 1, f32 [rows, columns]. Each must have a direction.
tensor::Tensor scaled_rows(const VectorArray& array);

}  // namespace e5v::vectors

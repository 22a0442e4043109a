#pragma once
#include <cstdint>
#include <string_view>

#include "tensor/tensor.h"

namespace e5v::tensor {

/// How the numbers of a weight matrix are stored. The quantised forms are those of the compressed-tensors layout that
/// vLLM reads: symmetric, a number is its integer times its scale.
enum class WeightFormat : std::uint8_t {
  plain,  ///< f32, f16 or bf16
  int8,   ///< i8, one scale a row
  int4,   ///< four bits, one scale for each group of columns of a row
};

/// "plain", "int8" or "int4".
std::string_view name_of(WeightFormat format);

/// A borrowed weight matrix [N, K] as a checkpoint stores it.
struct StoredMatrix {
  TensorView values;  ///< plain: [N, K]. int8: i8 [N, K]. int4: i32 [N, ceil(K / 8)], a word holding eight values + 8,
                      ///< the first in the lowest bits
  TensorView scales;  ///< int8: f32|f16|bf16 [N, 1]. int4: [N, K / group]. plain: nothing
  std::int64_t rows = 0, columns = 0;
  WeightFormat format = WeightFormat::plain;

  StoredMatrix() = default;
  /// A plain matrix. Throws InvalidInput unless it is f32|f16|bf16 of two axes.
  StoredMatrix(const TensorView& plain);  // NOLINT(google-explicit-constructor): every plain tensor is one
  /// Throws InvalidInput when types or shapes are not those of the format above.
  static StoredMatrix int8(const TensorView& values, const TensorView& scales);
  static StoredMatrix int4(const TensorView& values, const TensorView& scales, std::int64_t columns);

  /// Columns that share a scale; all of them for plain and int8.
  std::int64_t group() const { return format == WeightFormat::int4 ? columns / scales.shape[1] : columns; }
  std::int64_t bytes() const;
};

}  // namespace e5v::tensor

#pragma once
#include <cstdint>
#include <string_view>

#include "tensor/input_rounding.h"
#include "tensor/tensor.h"

namespace e5v::tensor {

/// The way in which the numbers of a weight matrix are stored. int8 and int4 have the layout of compressed-tensors,
/// which vLLM reads: symmetric, a number is its integer times its scale. nf4 is that of bitsandbytes
/// (arXiv:2305.14314): a number is the value of its code times the scale of its block. With double quantisation, scales
/// are rounded, too.
enum class WeightFormat : std::uint8_t {
  plain,  ///< f32, f16 or bf16
  int8,   ///< i8, one scale for each row
  int4,   ///< four bits, one scale for each group of columns of a row
  nf4,    ///< four bits for quantiles of a normal distribution, one scale for each block of numbers
};

/// The name of a format: "plain", "int8", "int4" or "nf4".
std::string_view name_of(WeightFormat format);

inline constexpr std::int64_t kNf4Block = 64;         ///< numbers in a row-major matrix that share a scale
inline constexpr std::int64_t kNf4NestedBlock = 256;  ///< scales that share a scale

/// The tables that turn the codes and scales of a nf4 matrix into numbers. With double quantisation the scale of block
/// b is scale_map[scales[b]] * nested_scales[b / 256] + offset. Without it there is only code_map.
struct Nf4Tables {
  TensorView code_map;       ///< f32 [16]: the value of each code
  TensorView scale_map;      ///< f32 [256]: the value of each byte of a scale
  TensorView nested_scales;  ///< f32 [ceil(blocks / 256)]
  float offset = 0;

  bool nested() const { return nested_scales.data != nullptr; }
};

/// A borrowed weight matrix [N, K] in the form of a checkpoint.
struct StoredMatrix {
  TensorView values;  ///< plain: [N, K]. int8: i8 [N, K]. int4: i32 [N, ceil(K / 8)], a word holding eight values + 8,
                      ///< the first in the lowest bits. nf4: u8, N K / 2 of them, the first code in the high bits
  TensorView scales;  ///< int8: f32|f16|bf16 [N, 1]. int4: [N, K / group]. nf4: [blocks], u8 when they
                      ///< are rounded, else f32. plain: nothing
  Nf4Tables nf4_tables;  ///< nf4 only
  std::int64_t rows = 0, columns = 0;
  WeightFormat format = WeightFormat::plain;
  InputRounding inputs;  ///< the rounding of the rows that it multiplies

  StoredMatrix() = default;
  /// A plain matrix. Throws InvalidInput unless it is f32|f16|bf16 of two axes.
  StoredMatrix(const TensorView& plain);  // NOLINT(google-explicit-constructor): every plain tensor is one
  /// Throws InvalidInput when types or shapes differ from the format above.
  static StoredMatrix int8(const TensorView& values, const TensorView& scales);
  static StoredMatrix int4(const TensorView& values, const TensorView& scales, std::int64_t columns);
  /// Rows must begin at a whole word, so columns is a multiple of 8. A block may continue in the next row.
  static StoredMatrix nf4(const TensorView& codes, const TensorView& scales, const Nf4Tables& tables, std::int64_t rows,
                          std::int64_t columns);

  /// The number of columns of a row that share a scale: those of a group for int4, otherwise all.
  std::int64_t group() const { return format == WeightFormat::int4 ? columns / scales.shape[1] : columns; }
  std::int64_t bytes() const;
};

}  // namespace e5v::tensor

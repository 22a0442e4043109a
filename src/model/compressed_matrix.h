#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/quantization.h"
#include "tensor/stored_matrix.h"

/// The way in which compressed-tensors stores the matrix of a linear module X: X.weight in i8 or 8-bit floats, or
/// X.weight_packed; X.weight_scale; X.weight_zero_point for asymmetric schemes; X.input_scale where inputs have one
/// scale. Source: the compressors naive_quantized and pack_quantized of compressed-tensors 0.20.1.
namespace e5v::model {

/// The suffixes of "X." in the names of a module's tensors.
struct CompressedPart {
  static constexpr const char* kWeight = "weight";
  static constexpr const char* kPacked = "weight_packed";
  static constexpr const char* kScale = "weight_scale";
  static constexpr const char* kZeroPoint = "weight_zero_point";
  static constexpr const char* kShape = "weight_shape";
  static constexpr const char* kInputScale = "input_scale";
  static constexpr const char* kInputZeroPoint = "input_zero_point";
};

/// The tensor "X." + part, or nullptr.
using FindModulePart = std::function<const tensor::TensorView*(std::string_view part)>;

/// Whether a module's matrix is stored in this way.
bool is_compressed(const FindModulePart& part);

/// The form in which such a matrix is multiplied. It is int8 or int4 for integers of that size without zero points,
/// with a scale for each row or, for int4, for each group of columns (a multiple of 8). All others are decoded to plain
/// matrices.
tensor::WeightFormat compressed_format(const QuantizedGroup& group, const FindModulePart& part);

/// A matrix and, if it is not used in its stored form, its memory.
struct CompressedMatrix {
  tensor::StoredMatrix matrix;
  std::vector<tensor::Tensor> memory;
};

/// Reads the matrix [rows, columns] of a module of a group. `decoded`, f32 or bf16, is the type of a plain result.
/// Throws ModelError, which begins with `origin` (file and module), when tensors are missing, contradict the group, or
/// have other shapes or types.
CompressedMatrix read_compressed(const FindModulePart& part, const QuantizedGroup& group, const std::string& origin,
                                 std::int64_t rows, std::int64_t columns, tensor::DType decoded);

/// The assumed group of a module without a quantization_config. It is symmetric: i8 with a scale for each row, or
/// packed 4 bits with as many groups of columns as there are scales.
QuantizedGroup implied_group(const FindModulePart& part, std::int64_t columns);

}  // namespace e5v::model

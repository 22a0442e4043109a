#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/quantization.h"
#include "tensor/stored_matrix.h"

/// How compressed-tensors stores the matrix of a linear module X: X.weight in i8 or 8-bit floats, or X.weight_packed,
/// with X.weight_scale and, where zero is not in the middle, X.weight_zero_point; X.input_scale where inputs have one
/// scale. Source: the compressors naive_quantized and pack_quantized of compressed-tensors 0.20.1.
namespace e5v::model {

/// What follows "X." in the names of a module's tensors.
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

/// Whether a module's matrix is stored so.
bool is_compressed(const FindModulePart& part);

/// The form in which such a matrix is multiplied: int8 and int4 where the stored integers can be, without a zero point
/// and with scales of rows, or under int4 of groups of columns that are multiples of 8; plain for all others, which
/// are decoded.
tensor::WeightFormat compressed_format(const QuantizedGroup& group, const FindModulePart& part);

/// A matrix, and the memory of what is not used as it is stored.
struct CompressedMatrix {
  tensor::StoredMatrix matrix;
  std::vector<tensor::Tensor> memory;
};

/// The matrix [rows, columns] of a module of a group; `decoded`, f32 or bf16, is the type of a plain one. Throws
/// ModelError led by `origin` (file and module) when tensors are missing, contradict the group, or have other shapes
/// or types.
CompressedMatrix read_compressed(const FindModulePart& part, const QuantizedGroup& group, const std::string& origin,
                                 std::int64_t rows, std::int64_t columns, tensor::DType decoded);

/// The group that a module without a quantization_config is taken to be of: symmetric, i8 with a scale for each row, or
/// 4 bits packed, with as many groups of columns as there are scales.
QuantizedGroup implied_group(const FindModulePart& part, std::int64_t columns);

}  // namespace e5v::model

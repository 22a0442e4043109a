#include "families/memory_parts.h"

#include <algorithm>

#include "ops/isa.h"
#include "ops/matmul.h"

namespace e5v::families {

std::int64_t input_bytes(nn::Precision precision, tensor::WeightFormat format) {
  return size_of(ops::input_dtype(nn::arithmetic_for(precision, format)));
}

std::int64_t decoded_bytes(nn::Precision precision) { return size_of(decoded_type(precision)); }

std::int64_t copied_bytes(nn::Precision precision, tensor::WeightFormat format, tensor::DType stored) {
  const ops::Arithmetic arithmetic = nn::arithmetic_for(precision, format);
  if (format != tensor::WeightFormat::plain || arithmetic != ops::Arithmetic::f32) return 0;  // block by block
  return precision != nn::Precision::f32 && stored == tensor::DType::f32 ? 2 : 0;
}

std::int64_t block_bytes(std::int64_t rows, std::int64_t attention_floats, std::int64_t attention_inputs,
                         std::int64_t mlp_floats, std::int64_t mlp_inputs, std::int64_t input) {
  return rows *
         std::max(attention_floats * kFloat + attention_inputs * input, mlp_floats * kFloat + mlp_inputs * input);
}

std::int64_t copied_bytes_on_device(nn::Precision precision, const embed::StoredWeights& stored) {
  if (stored.format != tensor::WeightFormat::plain || stored.decoded > 0) return 0;
  if (precision == nn::Precision::f32) return stored.dtype == tensor::DType::f32 ? 0 : 4;
  const std::int64_t rounded = stored.dtype == tensor::DType::bf16 ? 0 : 2;
  return rounded + (precision == nn::Precision::fp8 ? 1 : 0);
}

std::int64_t activation_bytes_on_device(nn::Precision precision) { return precision == nn::Precision::f32 ? 4 : 2; }

std::int64_t tower_bytes_on_device(std::int64_t R, std::int64_t V, std::int64_t M, std::int64_t type) {
  return R * (V * kFloat + V * type + std::max(4 * V, 2 * M) * type);
}

}  // namespace e5v::families

#include "embed/memory_parts.h"

#include <algorithm>

#include "ops/isa.h"
#include "ops/matmul.h"

namespace e5v::embed {

std::int64_t input_bytes(nn::Precision precision, tensor::WeightFormat format) {
  return size_of(ops::input_dtype(nn::arithmetic_for(precision, format)));
}

std::int64_t packed_bytes(nn::Precision precision, tensor::WeightFormat format, tensor::DType stored) {
  const ops::Arithmetic arithmetic = nn::arithmetic_for(precision, format);
  if (arithmetic == ops::Arithmetic::int8) return ops::has_native_int8() ? 1 : 0;
  if (format != tensor::WeightFormat::plain) return 0;  // expanded block by block
  const bool rounded = precision != nn::Precision::f32 && stored == tensor::DType::f32;
  return arithmetic == ops::Arithmetic::bf16 || rounded ? 2 : 0;
}

std::int64_t block_bytes(std::int64_t rows, std::int64_t attention_floats, std::int64_t attention_inputs,
                         std::int64_t mlp_floats, std::int64_t mlp_inputs, std::int64_t input) {
  return rows *
         std::max(attention_floats * kFloat + attention_inputs * input, mlp_floats * kFloat + mlp_inputs * input);
}

}  // namespace e5v::embed

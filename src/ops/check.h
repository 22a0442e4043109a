#pragma once
#include <string_view>

#include "ops/product_rows.h"
#include "tensor/matrix.h"

/// Argument checks of the ops. Each throws InvalidInput: `[op] what: expected, found`.
namespace e5v::ops {

inline void check_type(std::string_view op, std::string_view what, tensor::DType found, tensor::DType expected) {
  require(found == expected, "[{}] {} is {}, expected {}", op, what, name_of(found), name_of(expected));
}

inline void check_activation_type(std::string_view op, std::string_view what, tensor::DType found) {
  require(found == tensor::DType::f32 || found == tensor::DType::bf16, "[{}] {} is {}, expected f32 or bf16", op, what,
          name_of(found));
}

/// f32, or bf16 if an accelerator computes it as the result of a GEMM.
inline void check_result_type(std::string_view op, std::string_view what, tensor::ConstMatrix found) {
  if (found.place == tensor::Place::device && found.dtype == tensor::DType::bf16) return;
  check_type(op, what, found.dtype, tensor::DType::f32);
}

inline void check_shape(std::string_view op, std::string_view what, tensor::ConstMatrix found, std::int64_t rows,
                        std::int64_t columns) {
  require(found.rows == rows && found.columns == columns, "[{}] {} is [{}, {}], expected [{}, {}]", op, what,
          found.rows, found.columns, rows, columns);
}

/// Checks the shape and the type f32, which backward passes read and write.
inline void check_gradient(std::string_view op, std::string_view what, tensor::ConstMatrix found, std::int64_t rows,
                           std::int64_t columns) {
  check_type(op, what, found.dtype, tensor::DType::f32);
  check_shape(op, what, found, rows, columns);
}

inline void check_length(std::string_view op, std::string_view what, std::size_t found, std::int64_t expected) {
  require(static_cast<std::int64_t>(found) == expected, "[{}] {} has {} elements, expected {}", op, what, found,
          expected);
}

inline void check_fine_rows(std::string_view op, FineRows fine, std::int64_t rows) {
  for (const std::int64_t row : fine.some) require(row >= 0 && row < rows, "[{}] fine row {} of {}", op, row, rows);
}

/// Checks that x and its rounded rows fit each other.
inline void check_fp8_rows(std::string_view op, const Fp8Rows& rounded, tensor::ConstMatrix x) {
  require(x.place == tensor::Place::device, "[{}] rows of 8-bit floats are for a GPU", op);
  check_type(op, "x", x.dtype, tensor::DType::bf16);
  check_type(op, "rounded x", rounded.values_MK.dtype, tensor::DType::u8);
  check_shape(op, "rounded x", rounded.values_MK, x.rows, x.columns);
  check_gradient(op, "scales", rounded.scales_M1, x.rows, 1);
}

}  // namespace e5v::ops

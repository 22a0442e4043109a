#include "ops/matmul.h"

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/product.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/weight_forms.h"

namespace e5v::ops {

namespace {

using tensor::DType;
using tensor::WeightFormat;

void check_parts(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) {
  require(!parts.empty(), "[matmul] a weight needs at least one part");
  for (const tensor::StoredMatrix& part : parts) {
    require(part.columns == parts[0].columns && part.format == parts[0].format,
            "[matmul] weight part is {} [{}, {}], expected {} and {} columns", name_of(part.format), part.rows,
            part.columns, name_of(parts[0].format), parts[0].columns);
  }
  require(
      arithmetic != Arithmetic::int8 || parts[0].format == WeightFormat::int8 || parts[0].format == WeightFormat::int4,
      "[matmul] weight is {}, int8 arithmetic expects int8 or int4", name_of(parts[0].format));
}

/// scale w in bf16, in memory that the thread keeps.
tensor::ConstMatrix rounded(tensor::ConstMatrix w, float scale) {
  thread_local cpu::Scratch memory;
  const auto bytes = static_cast<std::size_t>(w.rows * w.columns * size_of(DType::bf16));
  const tensor::Matrix result{memory.reserve(bytes), DType::bf16, w.rows, w.columns, w.columns};
  cpu::convert(w, scale, result);
  return result;
}

void check_factor(std::string_view op, std::string_view what, tensor::ConstMatrix found, std::int64_t rows,
                  std::int64_t columns) {
  check_activation_type(op, what, found.dtype);
  check_shape(op, what, found, rows, columns);
}

}  // namespace

Weight::Weight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) : arithmetic_(arithmetic) {
  check_parts(parts, arithmetic);
  inputs_ = parts[0].columns;
  for (const tensor::StoredMatrix& part : parts) outputs_ += part.rows;
  const bool device = parts[0].values.place == tensor::Place::device;
  form_ = device ? backend().prepare(parts, arithmetic) : cpu::make_weight_form(parts, arithmetic);
}

void matmul(tensor::ConstMatrix x_MK, const Weight& weight, std::span<const float> bias_N, tensor::Matrix y_MN,
            bool accumulate, FineRows fine, const Fp8Rows& rounded) {
  check_type("matmul", "x", x_MK.dtype, weight.form().types().input);
  check_shape("matmul", "x", x_MK, y_MN.rows, weight.inputs());
  check_shape("matmul", "y", y_MN, x_MK.rows, weight.outputs());
  check_result_type("matmul", "y", y_MN);
  require(!accumulate || y_MN.dtype == DType::f32, "[matmul] y that is added to is {}, expected f32",
          name_of(y_MN.dtype));
  if (!bias_N.empty()) check_length("matmul", "bias", bias_N.size(), weight.outputs());
  check_fine_rows("matmul", fine, x_MK.rows);
  if (!rounded.empty()) {
    require(weight.fp8(), "[matmul] x is rounded to fp8, but the weight's products have another type");
    check_fp8_rows("matmul", rounded, x_MK);
  }
  if (x_MK.rows == 0) return;
  weight.form().multiply({x_MK, fine, rounded, bias_N.empty() ? nullptr : bias_N.data(), y_MN, accumulate});
}

void matmul_backward(tensor::ConstMatrix dy_MN, const Weight& weight, tensor::Matrix dx_MK) {
  check_result_type("matmul_backward", "dy", dy_MN);
  check_shape("matmul_backward", "dy", dy_MN, dx_MK.rows, weight.outputs());
  check_gradient("matmul_backward", "dx", dx_MK, dy_MN.rows, weight.inputs());
  if (dy_MN.rows == 0) return;
  weight.form().multiply_backward(dy_MN, dx_MK);
}

void weight_gradient(tensor::ConstMatrix dy_MN, tensor::ConstMatrix x_MK, float scale, tensor::Matrix dw_NK) {
  check_factor("weight_gradient", "dy", dy_MN, x_MK.rows, dw_NK.rows);
  check_gradient("weight_gradient", "dw", dw_NK, dy_MN.columns, x_MK.columns);
  check_type("weight_gradient", "x", x_MK.dtype, dy_MN.dtype);
  if (on_device(dw_NK)) return backend().weight_gradient(dy_MN, x_MK, scale, dw_NK);
  if (dy_MN.dtype == DType::f32) {
    return cpu::product({dy_MN, cpu::Side::transposed}, {x_MK, cpu::Side::plain}, scale, dw_NK, true);
  }
  require(scale == 1, "[weight_gradient] scale is {}, bf16 arithmetic expects 1", scale);
  cpu::product_bf16_transposed(dy_MN, x_MK, dw_NK);
}

void multiply(tensor::ConstMatrix x_MK, tensor::ConstMatrix w_NK, float scale, tensor::Matrix y_MN, bool add) {
  check_factor("multiply", "x", x_MK, y_MN.rows, w_NK.columns);
  check_result_type("multiply", "y", y_MN);
  check_shape("multiply", "y", y_MN, x_MK.rows, w_NK.rows);
  check_type("multiply", "w", w_NK.dtype, DType::f32);
  if (on_device(y_MN)) return backend().multiply(x_MK, w_NK, scale, y_MN, add);
  if (x_MK.dtype == DType::bf16) {
    return cpu::product_bf16(x_MK, {rounded(w_NK, scale), cpu::Side::transposed}, y_MN, add);
  }
  cpu::product({x_MK, cpu::Side::plain}, {w_NK, cpu::Side::transposed}, scale, y_MN, add);
}

void multiply_backward(tensor::ConstMatrix dy_MN, tensor::ConstMatrix w_NK, float scale, tensor::Matrix dx_MK,
                       bool add) {
  check_factor("multiply_backward", "dy", dy_MN, dx_MK.rows, w_NK.rows);
  check_result_type("multiply_backward", "dx", dx_MK);
  check_shape("multiply_backward", "dx", dx_MK, dy_MN.rows, w_NK.columns);
  check_type("multiply_backward", "w", w_NK.dtype, DType::f32);
  if (on_device(dx_MK)) return backend().multiply_backward(dy_MN, w_NK, scale, dx_MK, add);
  if (dy_MN.dtype == DType::bf16) {
    return cpu::product_bf16(dy_MN, {rounded(w_NK, scale), cpu::Side::plain}, dx_MK, add);
  }
  cpu::product({dy_MN, cpu::Side::plain}, {w_NK, cpu::Side::plain}, scale, dx_MK, add);
}

std::int64_t matmul_scratch_bytes(Arithmetic arithmetic, std::int64_t rows_M, std::int64_t inputs_K) {
  return cpu::weight_form_scratch_bytes(arithmetic, WeightFormat::int8, rows_M, inputs_K);
}

}  // namespace e5v::ops

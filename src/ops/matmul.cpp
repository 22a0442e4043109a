#include "ops/matmul.h"

#include <vector>

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/product.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"
#include "ops/isa.h"
#include "ops/quantize.h"

namespace e5v::ops {

struct Weight::Impl {
  Arithmetic arithmetic = Arithmetic::f32;
  std::int64_t outputs = 0, inputs = 0;
  std::vector<tensor::StoredMatrix> parts;  // as they are stored
  std::vector<float> scales;                // under int8, of all rows
  bool in_bytes = false;                    // int8 by 8-bit dot products
  std::unique_ptr<DeviceWeight> device;     // when the parts lie on the accelerator
};

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

std::vector<float> byte_scales(std::span<const tensor::StoredMatrix> parts) {
  std::vector<float> scales;
  for (const tensor::StoredMatrix& part : parts) {
    for (std::int64_t row = 0; row < part.rows; ++row) scales.push_back(cpu::byte_scale(part, row));
  }
  return scales;
}

/// y = bias, or y += bias: what a GEMM then adds to.
void begin_with_bias(std::span<const float> bias, tensor::Matrix y, bool accumulate) {
  cpu::for_rows(y.rows, y.columns, [&](std::int64_t index) {
    float* row = y.row<float>(index);
    if (!accumulate) {
      std::copy(bias.begin(), bias.end(), row);
    } else {
      for (std::size_t i = 0; i < bias.size(); ++i) row[i] += bias[i];
    }
  });
}

/// x as bytes, in memory that the thread keeps.
cpu::QuantizedRows quantize(tensor::ConstMatrix x_MK, FineRows fine) {
  thread_local cpu::Scratch values;
  thread_local std::vector<cpu::ByteScale> scales;
  const std::int64_t rows = x_MK.rows + fine.count(x_MK.rows);
  scales.resize(static_cast<std::size_t>(rows));
  const tensor::Matrix bytes{values.reserve(static_cast<std::size_t>(rows * x_MK.columns)), DType::u8, rows,
                             x_MK.columns, x_MK.columns};
  cpu::quantize_bytes(x_MK, fine, bytes, scales.data());
  return {bytes, scales.data(), fine};
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

Weight::Weight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) : impl_(std::make_unique<Impl>()) {
  check_parts(parts, arithmetic);
  impl_->arithmetic = arithmetic;
  impl_->inputs = parts[0].columns;
  for (const tensor::StoredMatrix& part : parts) impl_->outputs += part.rows;
  if (parts[0].values.place == tensor::Place::device) {
    impl_->device = backend().prepare(parts, arithmetic);
    return;
  }
  require<DeviceError>(arithmetic != Arithmetic::fp8, "[matmul] CPUs have no 8-bit floats: fp8 needs a GPU");
  if (arithmetic == Arithmetic::int8) impl_->scales = byte_scales(parts);
  impl_->in_bytes = arithmetic == Arithmetic::int8 && cpu::multiplies_bytes(impl_->inputs);
  if (arithmetic == Arithmetic::bf16) cpu::packed_form(DType::bf16, impl_->outputs, impl_->inputs);  // or throws
  impl_->parts.assign(parts.begin(), parts.end());
}

Weight::Weight(Weight&&) noexcept = default;
Weight& Weight::operator=(Weight&&) noexcept = default;
Weight::~Weight() = default;

std::int64_t Weight::outputs() const { return impl_->outputs; }
std::int64_t Weight::inputs() const { return impl_->inputs; }
Arithmetic Weight::arithmetic() const { return impl_->arithmetic; }
tensor::Place Weight::place() const { return impl_->device ? tensor::Place::device : tensor::Place::host; }
bool Weight::fp8() const { return impl_->device && impl_->device->fp8(); }
std::string Weight::kernel() const {
  if (impl_->device) return impl_->device->kernel();
  const auto packed = [&](DType dtype) -> std::string {
    if (has_tiles()) return "AMX tiles over packed blocks";
    return cpu::packed_form(dtype, impl_->outputs, impl_->inputs).kernel + " over packed blocks";
  };
  switch (impl_->arithmetic) {
    case Arithmetic::bf16: return packed(DType::bf16);
    case Arithmetic::int8:
      if (impl_->in_bytes) return packed(DType::i8);
      if (impl_->parts[0].format == WeightFormat::int8) return "int8 panels, 16-bit products";
      break;
    case Arithmetic::fp8:
    case Arithmetic::f32: break;
  }
  return "f32 panels";
}

void matmul(tensor::ConstMatrix x_MK, const Weight& weight, std::span<const float> bias_N, tensor::Matrix y_MN,
            bool accumulate, FineRows fine, const Fp8Rows& rounded) {
  check_type("matmul", "x", x_MK.dtype, input_dtype(weight.arithmetic()));
  check_shape("matmul", "x", x_MK, y_MN.rows, weight.inputs());
  check_shape("matmul", "y", y_MN, x_MK.rows, weight.outputs());
  check_result_type("matmul", "y", y_MN);
  require(!accumulate || y_MN.dtype == DType::f32, "[matmul] y that is added to is {}, expected f32",
          name_of(y_MN.dtype));
  if (!bias_N.empty()) check_length("matmul", "bias", bias_N.size(), weight.outputs());
  check_fine_rows("matmul", fine, x_MK.rows);
  if (!rounded.empty()) {
    require(weight.fp8(), "[matmul] x is rounded to fp8, the weight's products are of another type");
    check_fp8_rows("matmul", rounded, x_MK);
  }
  if (x_MK.rows == 0) return;
  const Weight::Impl& impl = weight.impl();
  const float* bias = bias_N.empty() ? nullptr : bias_N.data();
  if (impl.device) return backend().matmul(x_MK, *impl.device, bias, y_MN, accumulate, fine, rounded);
  if (impl.arithmetic == Arithmetic::bf16) return cpu::gemm_bf16(x_MK, impl.parts, bias, y_MN, accumulate);
  if (impl.in_bytes) return cpu::gemm_bytes(quantize(x_MK, fine), impl.parts, impl.scales, bias, y_MN, accumulate);
  if (!bias_N.empty()) begin_with_bias(bias_N, y_MN, accumulate);
  const bool add = accumulate || !bias_N.empty();
  if (impl.arithmetic == Arithmetic::f32 || impl.parts[0].format == WeightFormat::int4) {
    return cpu::gemm_f32(x_MK, impl.parts, y_MN, add);
  }
  cpu::gemm_int8(x_MK, int8_levels(x_MK.columns), impl.parts, impl.scales, y_MN, add);
}

DType Weight::product_dtype() const {
  const bool bf16 = place() == tensor::Place::device || has_native_bf16();
  return impl_->arithmetic != Arithmetic::f32 && bf16 ? DType::bf16 : DType::f32;
}

DType Weight::result_dtype() const {
  return place() == tensor::Place::device && impl_->arithmetic != Arithmetic::f32 ? DType::bf16 : DType::f32;
}

void matmul_backward(tensor::ConstMatrix dy_MN, const Weight& weight, tensor::Matrix dx_MK) {
  check_result_type("matmul_backward", "dy", dy_MN);
  check_shape("matmul_backward", "dy", dy_MN, dx_MK.rows, weight.outputs());
  check_gradient("matmul_backward", "dx", dx_MK, dy_MN.rows, weight.inputs());
  if (dy_MN.rows == 0) return;
  if (weight.impl().device) return backend().matmul_backward(dy_MN, *weight.impl().device, dx_MK);
  const bool bf16 = weight.product_dtype() == DType::bf16;
  (bf16 ? cpu::gemm_bf16_transposed : cpu::gemm_f32_transposed)(dy_MN, weight.impl().parts, dx_MK, true);
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
  switch (arithmetic) {
    case Arithmetic::bf16: return cpu::gemm_bf16_scratch_bytes(rows_M, inputs_K);
    case Arithmetic::f32: return cpu::gemm_f32_scratch_bytes(rows_M, inputs_K);
    case Arithmetic::fp8:
    case Arithmetic::int8: break;
  }
  return cpu::multiplies_bytes(inputs_K) ? cpu::gemm_bytes_scratch_bytes(rows_M, inputs_K)
                                         : cpu::gemm_int8_scratch_bytes(rows_M, inputs_K);
}

}  // namespace e5v::ops

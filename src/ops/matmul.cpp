#include "ops/matmul.h"

#include <optional>
#include <vector>

#include "ops/check.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/rows.h"

namespace e5v::ops {

struct Weight::Impl {
  Arithmetic arithmetic = Arithmetic::f32;
  std::int64_t outputs = 0, inputs = 0;
  std::vector<tensor::TensorView> parts;  // under f32
  std::optional<cpu::PackedBf16> packed;  // under bf16
};

namespace {

void check_parts(std::span<const tensor::TensorView> parts) {
  require(!parts.empty(), "[matmul] a weight needs at least one part");
  for (const tensor::TensorView& part : parts) {
    require(part.shape.rank() == 2 && part.shape[1] == parts[0].shape[1],
            "[matmul] weight part is {}, expected two axes of which the second is {}", part.shape.text(),
            parts[0].shape[1]);
    require(part.dtype == tensor::DType::f32 || part.dtype == tensor::DType::f16 || part.dtype == tensor::DType::bf16,
            "[matmul] weight part is {}, expected f32, f16 or bf16", name_of(part.dtype));
  }
}

/// y = bias, or y += bias: what a GEMM then adds to.
void begin_with_bias(std::span<const float> bias, tensor::Matrix y, bool accumulate) {
  if (accumulate && bias.empty()) return;
  cpu::for_rows(y.rows, y.columns, [&](std::int64_t index) {
    float* row = y.row<float>(index);
    if (bias.empty()) {
      std::fill_n(row, y.columns, 0.0f);
    } else if (!accumulate) {
      std::copy(bias.begin(), bias.end(), row);
    } else {
      for (std::size_t i = 0; i < bias.size(); ++i) row[i] += bias[i];
    }
  });
}

}  // namespace

Weight::Weight(std::span<const tensor::TensorView> parts, Arithmetic arithmetic) : impl_(std::make_unique<Impl>()) {
  check_parts(parts);
  impl_->arithmetic = arithmetic;
  impl_->inputs = parts[0].shape[1];
  for (const tensor::TensorView& part : parts) impl_->outputs += part.shape[0];
  if (arithmetic == Arithmetic::bf16) {
    impl_->packed.emplace(parts);
  } else {
    impl_->parts.assign(parts.begin(), parts.end());
  }
}

Weight::Weight(Weight&&) noexcept = default;
Weight& Weight::operator=(Weight&&) noexcept = default;
Weight::~Weight() = default;

std::int64_t Weight::outputs() const { return impl_->outputs; }
std::int64_t Weight::inputs() const { return impl_->inputs; }
Arithmetic Weight::arithmetic() const { return impl_->arithmetic; }
std::int64_t Weight::packed_bytes() const { return impl_->packed ? impl_->packed->bytes() : 0; }
std::string Weight::kernel() const { return impl_->packed ? impl_->packed->kernel() : "sgemm"; }

void matmul(tensor::ConstMatrix x_MK, const Weight& weight, std::span<const float> bias_N, tensor::Matrix y_MN,
            bool accumulate) {
  check_type("matmul", "x", x_MK.dtype, input_dtype(weight.arithmetic()));
  check_shape("matmul", "x", x_MK, y_MN.rows, weight.inputs());
  check_shape("matmul", "y", y_MN, x_MK.rows, weight.outputs());
  if (!bias_N.empty()) check_length("matmul", "bias", bias_N.size(), weight.outputs());
  if (weight.arithmetic() == Arithmetic::f32 || accumulate) {
    check_type("matmul", "y", y_MN.dtype, tensor::DType::f32);
  } else {
    check_activation_type("matmul", "y", y_MN.dtype);
  }
  if (x_MK.rows == 0) return;
  if (weight.impl().packed) {
    return weight.impl().packed->multiply(x_MK, bias_N.empty() ? nullptr : bias_N.data(), y_MN, accumulate);
  }
  begin_with_bias(bias_N, y_MN, accumulate);
  std::int64_t column = 0;
  for (const tensor::TensorView& part : weight.impl().parts) {
    cpu::gemm_f32(x_MK, part, y_MN.column_range(column, part.shape[0]));
    column += part.shape[0];
  }
}

}  // namespace e5v::ops

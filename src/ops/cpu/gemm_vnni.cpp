#include "base/parallel.h"
#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

using dnnl::memory;
using tensor::DType;

constexpr std::int64_t kLayoutRows = 512;

/// Scales of the weight's rows, applied by oneDNN. Those of x vary from call to call and stay with us: as a post-op
/// they would make it fall back to its reference kernel.
dnnl::primitive_attr row_scales(const std::vector<float>& scales) {
  dnnl::primitive_attr attributes;
  attributes.set_output_scales(1 << 1, scales);
  return attributes;
}

/// y = product * scale of the row + bias, or y += with accumulate. product may be y.
void finish_rows(const tensor::Matrix& product, const float* x_scales, const float* bias, tensor::Matrix y_MN,
                 bool accumulate) {
  for_rows(y_MN.rows, y_MN.columns, [&](std::int64_t index) {
    const float scale = x_scales[index];
    const float* from = product.row<float>(index);
    float* to = y_MN.row<float>(index);
    for (std::int64_t i = 0; i < y_MN.columns; ++i) {
      const float value = from[i] * scale + (bias == nullptr ? 0.0f : bias[i]);
      to[i] = accumulate ? to[i] + value : value;
    }
  });
}

}  // namespace

struct PackedInt8::State {
  memory weight;
  std::vector<float> scales;
  std::string kernel;
};

PackedInt8::PackedInt8(std::span<const tensor::StoredMatrix> parts, std::vector<float> scales)
    : state_(std::make_unique<State>()) {
  const std::int64_t inputs = parts[0].columns, outputs = static_cast<std::int64_t>(scales.size());
  state_->scales = std::move(scales);
  try {
    const memory::desc any({inputs, outputs}, memory::data_type::s8, memory::format_tag::any);
    const dnnl::matmul::primitive_desc layout({matrix_desc(kLayoutRows, inputs, inputs, DType::i8), any,
                                               matrix_desc(kLayoutRows, outputs, outputs, DType::f32)},
                                              row_scales(state_->scales), dnnl_engine());
    state_->kernel = layout.impl_info_str();
    tensor::Tensor plain(DType::i8, {outputs, inputs});
    std::byte* to = plain.data();
    for (const tensor::StoredMatrix& part : parts) to = std::copy_n(part.values.data, part.rows * inputs, to);
    memory transposed(transposed_desc(outputs, inputs, DType::i8), dnnl_engine(), plain.data());
    state_->weight = memory(layout.weights_desc(), dnnl_engine());
    dnnl::stream stream(dnnl_engine());
    dnnl::reorder(transposed, state_->weight).execute(stream, transposed, state_->weight);
    stream.wait();
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] no int8 GEMM on this CPU: {}", error.message);
  }
}

PackedInt8::PackedInt8(PackedInt8&&) noexcept = default;
PackedInt8& PackedInt8::operator=(PackedInt8&&) noexcept = default;
PackedInt8::~PackedInt8() = default;

std::int64_t PackedInt8::bytes() const { return static_cast<std::int64_t>(state_->weight.get_desc().get_size()); }

std::string PackedInt8::kernel() const { return state_->kernel; }

void PackedInt8::multiply(const QuantizedRows& x, const float* bias, tensor::Matrix y_MN, bool accumulate) const {
  const tensor::Matrix product =
      accumulate ? tensor::Matrix{thread_scratch(static_cast<std::size_t>(y_MN.rows * y_MN.columns) * sizeof(float)),
                                  DType::f32, y_MN.rows, y_MN.columns, y_MN.columns}
                 : y_MN;
  try {
    run_matmul(x.values, state_->weight, nullptr, product, row_scales(state_->scales), false);
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] int8 GEMM of [{}, {}] to {} columns failed: {}", x.values.rows, x.values.columns,
                      y_MN.columns, error.message);
  }
  finish_rows(product, x.scales, bias, y_MN, accumulate);
}

}  // namespace e5v::ops::cpu

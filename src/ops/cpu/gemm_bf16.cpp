#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <unordered_map>

#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops::cpu {
namespace {

using dnnl::memory;

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

memory::desc matrix_desc(std::int64_t rows, std::int64_t columns, std::int64_t stride, memory::data_type type) {
  return {{rows, columns}, type, memory::dims{stride, 1}};
}

memory::data_type dnnl_type(tensor::DType type) {
  return type == tensor::DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

/// The rows for which the packed layout is chosen; it serves every other number of rows as well.
constexpr std::int64_t kLayoutRows = 512;

dnnl::matmul::primitive_desc describe(const memory::desc& x, const memory::desc& weight, bool bias,
                                      const memory::desc& y, bool accumulate) {
  dnnl::primitive_attr attributes;
  if (accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  if (!bias) return {dnnl::matmul::desc(x, weight, y), attributes, engine()};
  const memory::desc bias_desc({1, y.dims()[1]}, memory::data_type::f32, memory::format_tag::ab);
  return {dnnl::matmul::desc(x, weight, bias_desc, y), attributes, engine()};
}

/// parts stacked to one plain bf16 matrix [N, K].
tensor::Tensor stack_bf16(std::span<const tensor::TensorView> parts, std::int64_t outputs, std::int64_t inputs) {
  tensor::Tensor stacked(tensor::DType::bf16, {outputs, inputs});
  std::int64_t row = 0;
  for (const tensor::TensorView& part : parts) {
    convert(matrix_of(part), matrix_of(stacked).row_range(row, part.shape[0]));
    row += part.shape[0];
  }
  return stacked;
}

}  // namespace

struct PackedBf16::State {
  memory weight;
  std::string kernel;
};

PackedBf16::PackedBf16(std::span<const tensor::TensorView> parts) : state_(std::make_unique<State>()) {
  std::int64_t outputs = 0;
  for (const tensor::TensorView& part : parts) outputs += part.shape[0];
  const std::int64_t inputs = parts[0].shape[1];
  try {
    const auto bf16 = memory::data_type::bf16;
    const memory::desc any({inputs, outputs}, bf16, memory::format_tag::any);
    const auto layout = describe(matrix_desc(kLayoutRows, inputs, inputs, bf16), any, false,
                                 matrix_desc(kLayoutRows, outputs, outputs, memory::data_type::f32), false);
    state_->kernel = layout.impl_info_str();
    // The others are reference kernels, thousands of times slower.
    require<DeviceError>(std::string_view(state_->kernel).starts_with("brg"),
                         "[matmul] this CPU has no fast bf16 GEMM: {}", state_->kernel);
    const tensor::Tensor plain = stack_bf16(parts, outputs, inputs);
    // The [N, K] rows of the checkpoint are the columns of the [K, N] matrix that x is multiplied with.
    memory transposed(memory::desc({inputs, outputs}, bf16, memory::dims{1, inputs}), engine(), plain.data());
    state_->weight = memory(layout.weights_desc(), engine());
    dnnl::stream stream(engine());
    dnnl::reorder(transposed, state_->weight).execute(stream, transposed, state_->weight);
    stream.wait();
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] no bf16 GEMM on this CPU: {}", error.message);
  }
}

PackedBf16::PackedBf16(PackedBf16&&) noexcept = default;
PackedBf16& PackedBf16::operator=(PackedBf16&&) noexcept = default;
PackedBf16::~PackedBf16() = default;

std::int64_t PackedBf16::bytes() const { return static_cast<std::int64_t>(state_->weight.get_desc().get_size()); }

std::string PackedBf16::kernel() const { return state_->kernel; }

void PackedBf16::multiply(tensor::ConstMatrix x_MK, const float* bias, tensor::Matrix y_MN, bool accumulate) const {
  try {
    const memory::desc x_desc = matrix_desc(x_MK.rows, x_MK.columns, x_MK.stride, memory::data_type::bf16);
    const memory::desc y_desc = matrix_desc(y_MN.rows, y_MN.columns, y_MN.stride, dnnl_type(y_MN.dtype));
    // oneDNN keeps compiled primitives by description, so this costs a lookup after the first time.
    const auto description = describe(x_desc, state_->weight.get_desc(), bias != nullptr, y_desc, accumulate);
    memory x(x_desc, engine(), const_cast<std::byte*>(x_MK.data)), y(y_desc, engine(), y_MN.data);
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, state_->weight}, {DNNL_ARG_DST, y}};
    if (bias != nullptr) {
      arguments.emplace(DNNL_ARG_BIAS, memory(description.bias_desc(), engine(), const_cast<float*>(bias)));
    }
    dnnl::stream stream(engine());
    dnnl::matmul(description).execute(stream, arguments);
    stream.wait();
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] bf16 GEMM of [{}, {}] to {} columns failed: {}", x_MK.rows, x_MK.columns, y_MN.columns,
                      error.message);
  }
}

}  // namespace e5v::ops::cpu

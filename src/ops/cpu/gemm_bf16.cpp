#include <string_view>

#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

using dnnl::memory;
using tensor::DType;

/// The rows for which the packed layout is chosen; it serves every other number of rows as well.
constexpr std::int64_t kLayoutRows = 512;
/// Expanded weights at a time: small enough to stay in a second-level cache or two.
constexpr std::int64_t kBlockBytes = std::int64_t{2} << 20;

/// parts stacked to one plain bf16 matrix [N, K].
tensor::Tensor stack_bf16(std::span<const tensor::StoredMatrix> parts, std::int64_t outputs, std::int64_t inputs) {
  tensor::Tensor stacked(DType::bf16, {outputs, inputs});
  std::int64_t row = 0;
  for (const tensor::StoredMatrix& part : parts) {
    expand_rows(part, 0, matrix_of(stacked).row_range(row, part.rows));
    row += part.rows;
  }
  return stacked;
}

/// Expands the weight a block of rows at a time, so that the block is still in cache when it is multiplied.
void multiply_in_blocks(tensor::ConstMatrix x_MK, const tensor::StoredMatrix& w_NK, tensor::Matrix y_MN, bool add) {
  const std::int64_t block = std::min(w_NK.rows, std::max<std::int64_t>(64, kBlockBytes / (2 * w_NK.columns)));
  const tensor::Matrix expanded{thread_scratch(static_cast<std::size_t>(2 * block * w_NK.columns)), DType::bf16, block,
                                w_NK.columns, w_NK.columns};
  try {
    for (std::int64_t begin = 0; begin < w_NK.rows; begin += block) {
      const std::int64_t count = std::min(block, w_NK.rows - begin);
      expand_rows(w_NK, begin, expanded.row_range(0, count));
      const memory weight(transposed_desc(count, w_NK.columns, DType::bf16), dnnl_engine(), expanded.data);
      run_matmul(x_MK, weight, nullptr, y_MN.column_range(begin, count), {}, add);
    }
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] bf16 GEMM of [{}, {}] to {} columns failed: {}", x_MK.rows, x_MK.columns, y_MN.columns,
                      error.message);
  }
}

}  // namespace

struct PackedBf16::State {
  memory weight;
  std::string kernel;
};

PackedBf16::PackedBf16(std::span<const tensor::StoredMatrix> parts) : state_(std::make_unique<State>()) {
  std::int64_t outputs = 0;
  for (const tensor::StoredMatrix& part : parts) outputs += part.rows;
  const std::int64_t inputs = parts[0].columns;
  try {
    const memory::desc any({inputs, outputs}, memory::data_type::bf16, memory::format_tag::any);
    const dnnl::matmul::primitive_desc layout({matrix_desc(kLayoutRows, inputs, inputs, DType::bf16), any,
                                               matrix_desc(kLayoutRows, outputs, outputs, DType::f32)},
                                              dnnl_engine());
    state_->kernel = layout.impl_info_str();
    // The others are reference kernels, thousands of times slower.
    require<DeviceError>(std::string_view(state_->kernel).starts_with("brg"),
                         "[matmul] this CPU has no fast bf16 GEMM: {}", state_->kernel);
    const tensor::Tensor plain = stack_bf16(parts, outputs, inputs);
    memory transposed(transposed_desc(outputs, inputs, DType::bf16), dnnl_engine(), plain.data());
    state_->weight = memory(layout.weights_desc(), dnnl_engine());
    dnnl::stream stream(dnnl_engine());
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
    run_matmul(x_MK, state_->weight, bias, y_MN, {}, accumulate);
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] bf16 GEMM of [{}, {}] to {} columns failed: {}", x_MK.rows, x_MK.columns, y_MN.columns,
                      error.message);
  }
}

void gemm_bf16(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MN, bool add) {
  std::int64_t column = 0;
  for (const tensor::StoredMatrix& part : parts) {
    multiply_in_blocks(x_MK, part, y_MN.column_range(column, part.rows), add);
    column += part.rows;
  }
}

std::int64_t gemm_bf16_scratch_bytes() { return kBlockBytes; }

}  // namespace e5v::ops::cpu

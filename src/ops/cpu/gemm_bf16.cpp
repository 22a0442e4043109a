#include <string_view>

#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

using dnnl::memory;
using tensor::DType;

/// The rows for which the packed layout is chosen; it serves every other number of rows as well.
constexpr std::int64_t kLayoutRows = 512;
/// Expanded weights at a time: few enough to stay in the last-level cache, and whole panels.
constexpr std::int64_t kBlockBytes = std::int64_t{8} << 20;
constexpr std::int64_t kPanel = 64;
/// Rows of x at a time against a block of expanded weights: their products stay in cache until they are moved to y,
/// which oneDNN cannot write itself: its fast kernels want rows without gaps.
constexpr std::int64_t kRowsAtOnce = 512;

/// oneDNN's kernel for a weight [N, K] in bf16, and how it wants the weight.
struct PackedForm {
  memory::desc desc;
  std::string kernel;
};

PackedForm packed_form(std::int64_t outputs, std::int64_t inputs) {
  const memory::desc any({inputs, outputs}, memory::data_type::bf16, memory::format_tag::any);
  const dnnl::matmul::primitive_desc layout({matrix_desc(kLayoutRows, inputs, inputs, DType::bf16), any,
                                             matrix_desc(kLayoutRows, outputs, outputs, DType::f32)},
                                            dnnl_engine());
  PackedForm form{layout.weights_desc(), layout.impl_info_str()};
  // The others are reference kernels, thousands of times slower.
  require<DeviceError>(std::string_view(form.kernel).starts_with("brg"), "[matmul] this CPU has no fast bf16 GEMM: {}",
                       form.kernel);
  return form;
}

/// Outputs of a block of expanded weights.
std::int64_t block_outputs(std::int64_t inputs) {
  return std::max(kPanel, kBlockBytes / (2 * inputs) / kPanel * kPanel);
}

}  // namespace

struct PackedBf16::State {
  memory weight;
  std::string kernel;
};

PackedBf16::PackedBf16(std::span<const tensor::StoredMatrix> parts) : state_(std::make_unique<State>()) {
  try {
    PackedForm form = packed_form(outputs_of(parts), parts[0].columns);
    state_->kernel = std::move(form.kernel);
    state_->weight = memory(form.desc, dnnl_engine());
    pack_weight(parts, 0, state_->weight);
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

namespace {

/// to = from, or to += from.
void move_rows(tensor::ConstMatrix from, tensor::Matrix to, bool add) {
  for_rows(to.rows, to.columns, [&](std::int64_t row) {
    const float* source = from.row<float>(row);
    float* target = to.row<float>(row);
    if (!add) {
      std::copy_n(source, to.columns, target);
    } else {
      for (std::int64_t i = 0; i < to.columns; ++i) target[i] += source[i];
    }
  });
}

/// y = x weight, or += with add, for some columns of y.
void multiply_block(tensor::ConstMatrix x_MK, const memory& weight, tensor::Matrix y_MB, bool add) {
  thread_local Scratch products;
  const std::int64_t most = std::min(kRowsAtOnce, x_MK.rows);
  std::byte* memory = products.reserve(static_cast<std::size_t>(most * y_MB.columns) * sizeof(float));
  for (std::int64_t row = 0; row < x_MK.rows; row += kRowsAtOnce) {
    const std::int64_t rows = std::min(kRowsAtOnce, x_MK.rows - row);
    const tensor::Matrix part{memory, DType::f32, rows, y_MB.columns, y_MB.columns};
    run_matmul(x_MK.row_range(row, rows), weight, nullptr, part, {}, false);
    move_rows(part, y_MB.row_range(row, rows), add);
  }
}

}  // namespace

void gemm_bf16(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MN, bool add) {
  const std::int64_t inputs = x_MK.columns, outputs = outputs_of(parts);
  const std::int64_t block = block_outputs(inputs);
  try {
    memory::desc desc;
    for (std::int64_t begin = 0; begin < outputs; begin += block) {
      const std::int64_t count = std::min(block, outputs - begin);
      if (begin == 0 || count < block) desc = packed_form(count, inputs).desc;
      memory weight(desc, dnnl_engine(), thread_scratch(desc.get_size()));
      pack_weight(parts, begin, weight);
      multiply_block(x_MK, weight, y_MN.column_range(begin, count), add);
    }
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] bf16 GEMM of [{}, {}] to {} columns failed: {}", x_MK.rows, x_MK.columns, y_MN.columns,
                      error.message);
  }
}

std::int64_t gemm_bf16_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  return kBlockBytes + 4 * std::min(rows_M, kRowsAtOnce) * block_outputs(inputs_K);
}

}  // namespace e5v::ops::cpu

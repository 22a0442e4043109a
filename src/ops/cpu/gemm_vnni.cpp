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

constexpr std::int64_t kLayoutRows = 512;
constexpr std::int64_t kRowsAtOnce = 512;

}  // namespace

struct PackedInt8::State {
  memory weight;
  std::vector<float> scales;
  std::vector<std::int32_t> sums;  // of each row of the weight: what one unit of x's zero adds to a product
  std::string kernel;
};

PackedInt8::PackedInt8(std::span<const tensor::StoredMatrix> parts, std::vector<float> scales)
    : state_(std::make_unique<State>()) {
  const std::int64_t inputs = parts[0].columns, outputs = outputs_of(parts);
  state_->scales = std::move(scales);
  state_->sums.resize(static_cast<std::size_t>(outputs));
  std::int32_t* sums = state_->sums.data();
  for (const tensor::StoredMatrix& part : parts) {
    row_sums(matrix_of(part.values), sums);
    sums += part.rows;
  }
  try {
    const memory::desc any({inputs, outputs}, memory::data_type::s8, memory::format_tag::any);
    const dnnl::matmul::primitive_desc layout({matrix_desc(kLayoutRows, inputs, inputs, DType::u8), any,
                                               matrix_desc(kLayoutRows, outputs, outputs, DType::i32)},
                                              dnnl_engine());
    state_->kernel = layout.impl_info_str();
    state_->weight = memory(layout.weights_desc(), dnnl_engine());
    pack_weight(parts, 0, state_->weight);
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
  const std::int64_t M = y_MN.rows, N = y_MN.columns, F = static_cast<std::int64_t>(x.fine.size());
  // Few rows wait for the weight to be read: the fine ones are computed beside them. Of many, sums lie where y does.
  const bool together = M + F <= kRowsAtOnce;
  const bool in_place = !accumulate && y_MN.stride == N && !(together && F > 0);  // oneDNN wants rows without gaps
  std::byte* memory = thread_scratch(static_cast<std::size_t>((in_place ? F : M + F) * N) * sizeof(std::int32_t));
  const tensor::Matrix sums{in_place ? y_MN.data : memory, DType::i32, M, N, N};
  const tensor::Matrix fine_sums{in_place ? memory : memory + M * N * size_of(DType::i32), DType::i32, F, N, N};
  const SumScales scales{state_->scales.data(), state_->sums.data(), bias};
  const auto run = [&](std::int64_t first, tensor::Matrix to) {
    if (to.rows > 0) run_matmul(x.values.row_range(first, to.rows), state_->weight, nullptr, to, {}, false);
  };
  try {
    if (together) {
      run(0, {sums.data, DType::i32, M + F, N, N});
    } else {
      run(0, sums), run(M, fine_sums);
    }
  } catch (const dnnl::error& error) {
    fail<DeviceError>("[matmul] int8 GEMM of [{}, {}] to {} columns failed: {}", M, x.values.columns, N, error.message);
  }
  scale_sums(sums, x.scales, scales, {}, y_MN, accumulate);
  scale_sums(fine_sums, x.scales + M, {scales.columns, scales.zero_sums, nullptr}, x.fine, y_MN, true);
}

}  // namespace e5v::ops::cpu

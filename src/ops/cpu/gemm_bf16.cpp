#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;

/// to = from + bias, or to += from + bias; bias may be null.
void move_rows(tensor::ConstMatrix from, const float* bias, tensor::Matrix to, bool add) {
  for_rows(to.rows, to.columns, [&](std::int64_t row) {
    const float* source = from.row<float>(row);
    float* target = to.row<float>(row);
    if (!add && bias == nullptr) {
      std::copy_n(source, to.columns, target);
    } else if (bias == nullptr) {
      for (std::int64_t i = 0; i < to.columns; ++i) target[i] += source[i];
    } else {
      for (std::int64_t i = 0; i < to.columns; ++i) target[i] = source[i] + bias[i] + (add ? target[i] : 0.0f);
    }
  });
}

}  // namespace

void gemm_bf16(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, const float* bias,
               tensor::Matrix y_MN, bool add) try {
  for_packed_blocks(parts, DType::bf16, [&](std::int64_t begin, const dnnl::memory& weight) {
    thread_local Scratch products;
    const std::int64_t columns = weight.get_desc().dims()[1], most = std::min(kRowsAtOnce, x_MK.rows);
    std::byte* memory = products.reserve(static_cast<std::size_t>(most * columns) * sizeof(float));
    for (std::int64_t row = 0; row < x_MK.rows; row += kRowsAtOnce) {
      const std::int64_t rows = std::min(kRowsAtOnce, x_MK.rows - row);
      const tensor::Matrix part{memory, DType::f32, rows, columns, columns};
      run_matmul(x_MK.row_range(row, rows), weight, part);
      move_rows(part, bias == nullptr ? nullptr : bias + begin, y_MN.row_range(row, rows).column_range(begin, columns),
                add);
    }
  });
} catch (const dnnl::error& error) {
  fail<DeviceError>("[matmul] bf16 GEMM of [{}, {}] to {} columns failed: {}", x_MK.rows, x_MK.columns, y_MN.columns,
                    error.message);
}

std::int64_t gemm_bf16_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  return packed_scratch_bytes(DType::bf16, rows_M, inputs_K);
}

}  // namespace e5v::ops::cpu

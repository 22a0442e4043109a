#include <oneapi/dnnl/dnnl.h>

#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

/// Widened weights at a time. Each call of the library packs x anew, so with many rows few large blocks are faster;
/// with few rows the block should stay in a last-level cache.
constexpr std::int64_t kSmallBlockBytes = std::int64_t{4} << 20, kLargeBlockBytes = std::int64_t{32} << 20;
constexpr std::int64_t kManyRows = 512;

void multiply(tensor::ConstMatrix x_MK, const float* w_NK, std::int64_t rows_N, tensor::Matrix y_MN, bool add) {
  const dnnl_status_t status =
      dnnl_sgemm('N', 'T', x_MK.rows, rows_N, x_MK.columns, 1.0f, x_MK.row<float>(0), x_MK.stride, w_NK, x_MK.columns,
                 add ? 1.0f : 0.0f, y_MN.row<float>(0), y_MN.stride);
  require<DeviceError>(status == dnnl_success, "[matmul] dnnl_sgemm of [{}, {}] by [{}, {}] failed with status {}",
                       x_MK.rows, x_MK.columns, rows_N, x_MK.columns, static_cast<int>(status));
}

}  // namespace

void gemm_f32(tensor::ConstMatrix x_MK, const tensor::StoredMatrix& w_NK, tensor::Matrix y_MN, bool add) {
  if (w_NK.values.dtype == tensor::DType::f32) {
    return multiply(x_MK, matrix_of(w_NK.values).row<float>(0), w_NK.rows, y_MN, add);
  }
  const std::int64_t row_bytes = w_NK.columns * size_of(tensor::DType::f32);
  const std::int64_t block_bytes = x_MK.rows >= kManyRows ? kLargeBlockBytes : kSmallBlockBytes;
  const std::int64_t block = std::min(w_NK.rows, std::max<std::int64_t>(64, block_bytes / row_bytes));
  std::byte* wide = thread_scratch(static_cast<std::size_t>(block * row_bytes));
  for (std::int64_t begin = 0; begin < w_NK.rows; begin += block) {
    const std::int64_t count = std::min(block, w_NK.rows - begin);
    const tensor::Matrix expanded{wide, tensor::DType::f32, count, w_NK.columns, w_NK.columns};
    expand_rows(w_NK, begin, expanded);
    multiply(x_MK, expanded.row<float>(0), count, y_MN.column_range(begin, count), add);
  }
}

}  // namespace e5v::ops::cpu

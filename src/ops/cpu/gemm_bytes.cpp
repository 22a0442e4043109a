#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;

/// Sums over rows [begin, begin + count) of the stacked parts: what one unit of x's zero adds to a product.
std::vector<std::int32_t> zero_sums(std::span<const tensor::StoredMatrix> parts, std::int64_t begin,
                                    std::int64_t count) {
  std::vector<std::int32_t> sums(static_cast<std::size_t>(count));
  std::int64_t done = 0;
  for (const tensor::StoredMatrix& part : parts) {
    const std::int64_t here = std::clamp<std::int64_t>(part.rows - begin, 0, count - done);
    if (here > 0) row_sums(matrix_of(part.values).row_range(begin, here), sums.data() + done);
    done += here;
    begin = std::max<std::int64_t>(0, begin - part.rows);
  }
  return sums;
}

}  // namespace

void gemm_bytes(const QuantizedRows& x, std::span<const tensor::StoredMatrix> parts, std::span<const float> w_scales_N,
                const float* bias, tensor::Matrix y_MN, bool add) try {
  thread_local Scratch memory;
  const std::int64_t M = y_MN.rows, F = static_cast<std::int64_t>(x.fine.size());
  for_packed_blocks(parts, DType::i8, [&](std::int64_t begin, const dnnl::memory& weight) {
    const std::int64_t columns = weight.get_desc().dims()[1];
    const std::vector<std::int32_t> zeros = zero_sums(parts, begin, columns);
    const SumScales scales{w_scales_N.data() + begin, zeros.data(), bias == nullptr ? nullptr : bias + begin};
    const SumScales no_bias{scales.columns, scales.zero_sums, nullptr};
    const tensor::Matrix y = y_MN.column_range(begin, columns);
    const auto sums_of = [&](std::int64_t first, std::int64_t rows) {
      const std::size_t bytes = static_cast<std::size_t>(rows * columns) * sizeof(std::int32_t);
      const tensor::Matrix sums{memory.reserve(bytes), DType::i32, rows, columns, columns};
      run_matmul(x.values.row_range(first, rows), weight, sums);
      return sums;
    };
    if (M + F <= kRowsAtOnce) {  // at once: few rows are fast in proportion to their number only
      const tensor::Matrix sums = sums_of(0, M + F);
      scale_sums(sums.row_range(0, M), x.scales, scales, {}, y, add);
      return scale_sums(sums.row_range(M, F), x.scales + M, no_bias, x.fine, y, true);
    }
    for (std::int64_t row = 0; row < M; row += kRowsAtOnce) {
      const std::int64_t rows = std::min(kRowsAtOnce, M - row);
      scale_sums(sums_of(row, rows), x.scales + row, scales, {}, y.row_range(row, rows), add);
    }
    for (std::int64_t f = 0; f < F; f += kRowsAtOnce) {
      const std::int64_t rows = std::min(kRowsAtOnce, F - f);
      const auto to = x.fine.subspan(static_cast<std::size_t>(f), static_cast<std::size_t>(rows));
      scale_sums(sums_of(M + f, rows), x.scales + M + f, no_bias, to, y, true);
    }
  });
} catch (const dnnl::error& error) {
  fail<DeviceError>("[matmul] int8 GEMM of [{}, {}] to {} columns failed: {}", y_MN.rows, x.values.columns,
                    y_MN.columns, error.message);
}

std::int64_t gemm_bytes_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  // The rows and, when all are fine, their remainders.
  return 2 * rows_M * inputs_K + packed_scratch_bytes(DType::i8, rows_M, inputs_K);
}

}  // namespace e5v::ops::cpu

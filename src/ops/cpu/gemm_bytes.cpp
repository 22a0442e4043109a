#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/scratch.h"
#include "ops/isa.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;

/// Adds the sums of remainders, which begin at row `first` of x, to the rows of y that they belong to.
void add_remainders(tensor::ConstMatrix sums, const QuantizedRows& x, std::int64_t first, SumScales scales,
                    tensor::Matrix y) {
  scales.bias = nullptr;
  const std::int64_t place = first - y.rows;
  if (x.fine.all) return scale_sums(sums, x.scales + first, scales, {}, y.row_range(place, sums.rows), true);
  const auto to = x.fine.some.subspan(static_cast<std::size_t>(place), static_cast<std::size_t>(sums.rows));
  scale_sums(sums, x.scales + first, scales, to, y, true);
}

}  // namespace

bool multiplies_bytes(std::int64_t inputs_K) {
  constexpr std::int64_t kMost = 2147483647 / (255 * 128);
  return has_native_int8() && inputs_K <= kMost;
}

void gemm_bytes(const QuantizedRows& x, std::span<const tensor::StoredMatrix> parts, std::span<const float> w_scales_N,
                const float* bias, tensor::Matrix y_MN, bool add) try {
  const std::int64_t M = y_MN.rows, F = x.fine.count(M);
  for_packed_blocks(parts, DType::i8, [&](std::int64_t begin, const dnnl::memory& weight) {
    thread_local Scratch memory;
    const std::int64_t columns = weight.get_desc().dims()[1], most = std::min(kRowsAtOnce, M + F);
    const std::vector<std::int32_t> zeros = row_sums(parts, begin, weight);
    const SumScales scales{w_scales_N.data() + begin, zeros.data(), bias == nullptr ? nullptr : bias + begin};
    const tensor::Matrix y = y_MN.column_range(begin, columns);
    std::byte* bytes = memory.reserve(static_cast<std::size_t>(most * columns) * sizeof(std::int32_t));
    for (std::int64_t first = 0; first < M + F; first += kRowsAtOnce) {
      const std::int64_t rows = std::min(kRowsAtOnce, M + F - first),
                         plain = std::clamp<std::int64_t>(M - first, 0, rows);
      const tensor::Matrix sums{bytes, DType::i32, rows, columns, columns};
      run_matmul(x.values.row_range(first, rows), weight, sums);
      if (plain > 0) scale_sums(sums.row_range(0, plain), x.scales + first, scales, {}, y.row_range(first, plain), add);
      if (plain < rows) add_remainders(sums.row_range(plain, rows - plain), x, first + plain, scales, y);
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

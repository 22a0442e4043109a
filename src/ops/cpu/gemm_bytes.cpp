#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "ops/cpu/gemm.h"
#include "ops/cpu/product_blocks.h"
#include "ops/isa.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;

/// Adds the sums of remainders, which begin at row `first` of x, to their rows of y.
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
  constexpr std::int64_t kMaximum = 2147483647 / (255 * 128);
  return has_native_int8() && inputs_K <= kMaximum;
}

void gemm_bytes(const QuantizedRows& x, std::span<const tensor::StoredMatrix> parts, std::span<const float> w_scales_N,
                const float* bias, tensor::Matrix y_MN, bool add) try {
  const std::int64_t M = y_MN.rows;
  for_product_blocks(x.values, parts, [&](const ProductBlock& block) {
    const std::int64_t rows = block.products.rows, plain = std::clamp<std::int64_t>(M - block.row, 0, rows);
    const SumScales scales{w_scales_N.data() + block.column, block.weight_sums,
                           bias == nullptr ? nullptr : bias + block.column};
    const tensor::Matrix y = y_MN.column_range(block.column, block.products.columns);
    if (plain > 0) {
      scale_sums(block.products.row_range(0, plain), x.scales + block.row, scales, {}, y.row_range(block.row, plain),
                 add);
    }
    if (plain < rows) add_remainders(block.products.row_range(plain, rows - plain), x, block.row + plain, scales, y);
  });
} catch (const dnnl::error& error) {
  fail<DeviceError>("[matmul] int8 GEMM of [{}, {}] to {} columns failed: {}", y_MN.rows, x.values.columns,
                    y_MN.columns, error.message);
}

std::int64_t gemm_bytes_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  // The rows and, when all are fine, their remainders.
  return 2 * rows_M * inputs_K + product_blocks_bytes(DType::u8, 2 * rows_M, inputs_K);
}

}  // namespace e5v::ops::cpu

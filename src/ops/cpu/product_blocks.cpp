#include "ops/cpu/product_blocks.h"

#include "base/parallel.h"
#include "ops/cpu/dnnl_matmul.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"
#include "ops/isa.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;
using tensor::Matrix;

/// The number of rows of x that are multiplied with a block of the weight at a time. Their products stay in cache until
/// they are used. oneDNN could not write them to a wider y, because its fast kernels need rows without gaps.
constexpr std::int64_t kRowsAtOnce = 256;

void for_product_blocks_in_vectors(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts,
                                   const std::function<void(const ProductBlock&)>& take) {
  const bool bytes = x_MK.dtype == DType::u8;
  for_packed_blocks(parts, bytes ? DType::i8 : DType::bf16, [&](std::int64_t begin, const dnnl::memory& weight) {
    thread_local Scratch memory;
    const std::int64_t columns = weight.get_desc().dims()[1], max_rows = std::min(kRowsAtOnce, x_MK.rows);
    std::byte* products = memory.reserve(static_cast<std::size_t>(max_rows * columns * size_of(DType::f32)));
    const std::vector<std::int32_t> sums = bytes ? row_sums(parts, begin, weight) : std::vector<std::int32_t>();
    for (std::int64_t row = 0; row < x_MK.rows; row += kRowsAtOnce) {
      const std::int64_t rows = std::min(kRowsAtOnce, x_MK.rows - row);
      const Matrix block{products, bytes ? DType::i32 : DType::f32, rows, columns, columns};
      run_matmul(x_MK.row_range(row, rows), weight, block);
      take({row, begin, block, bytes ? sums.data() : nullptr});
    }
  });
}

}  // namespace

void write_products(const ProductBlock& block, const float* bias, Matrix y, bool add) {
  const Matrix& from = block.products;
  const Matrix to = y.row_range(block.row, from.rows).column_range(block.column, from.columns);
  if (bias != nullptr) bias += block.column;
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

void for_product_blocks(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts,
                        const std::function<void(const ProductBlock&)>& take) {
  (has_tiles() ? for_product_blocks_in_tiles : for_product_blocks_in_vectors)(x_MK, parts, take);
}

std::int64_t product_blocks_bytes(DType x, std::int64_t rows_M, std::int64_t inputs_K) {
  if (has_tiles()) return tiles_bytes(x, rows_M, inputs_K);
  const DType weight = x == DType::u8 ? DType::i8 : DType::bf16;
  const std::int64_t products = max_block_outputs(weight, inputs_K) * std::min(rows_M, kRowsAtOnce);
  return packed_blocks_bytes(weight, inputs_K) + thread_count() * products * size_of(DType::f32);
}

}  // namespace e5v::ops::cpu

// y = x w over the rows of w as a checkpoint stores them.
//
// Legend: N rows of w, which the product sums over; K columns of w and y.
#include <algorithm>

#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/product.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;

/// A block of an expanded weight. All of its rows are summed up while its columns of y are in cache, so that y is
/// written seldom; wide enough for the rows of x that stream past it.
constexpr std::int64_t kBlockColumns = 512, kBlockRows = 2048;  // 2 MiB

void multiply_in_blocks(tensor::ConstMatrix x_MN, const tensor::StoredMatrix& w_NK, tensor::Matrix y_MK, bool add) {
  const std::int64_t rows = std::min(kBlockRows, w_NK.rows), columns = std::min(kBlockColumns, w_NK.columns);
  std::byte* memory = thread_scratch(static_cast<std::size_t>(rows * columns * size_of(DType::bf16)));
  for (std::int64_t k = 0; k < w_NK.columns; k += columns) {
    const std::int64_t width = std::min(columns, w_NK.columns - k);
    for (std::int64_t n = 0; n < w_NK.rows; n += rows) {
      const tensor::Matrix block{memory, DType::bf16, std::min(rows, w_NK.rows - n), width, width};
      expand_block(w_NK, n, k, block);
      product_bf16({x_MN.column_range(n, block.rows), Side::plain}, {block, Side::plain}, y_MK.column_range(k, width),
                   add || n > 0);
    }
  }
}

}  // namespace

void gemm_bf16_transposed(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MK,
                          bool add) {
  std::int64_t column = 0;
  for (const tensor::StoredMatrix& part : parts) {
    const tensor::ConstMatrix x = x_MN.column_range(column, part.rows);
    if (part.format == tensor::WeightFormat::plain && part.values.dtype == DType::bf16) {
      product_bf16({x, Side::plain}, {matrix_of(part.values), Side::plain}, y_MK, add);
    } else {
      multiply_in_blocks(x, part, y_MK, add);
    }
    column += part.rows;
    add = true;
  }
}

}  // namespace e5v::ops::cpu

// Computes y = x w from the rows of w in a checkpoint.
//
// Legend: M rows of x; N rows of w, which the product sums over; K columns of w and y.
#include <algorithm>

#include "ops/cpu/gemm.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/product.h"
#include "ops/cpu/product_blocks.h"
#include "ops/cpu/scratch.h"
#include "ops/isa.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;
using tensor::Matrix;

/// Rows of a weight in a block. There are many, because y is read and written once for each block.
constexpr std::int64_t kBlockRows = 2048;

Matrix bf16_matrix(Scratch& memory, std::int64_t rows, std::int64_t columns) {
  const auto bytes = static_cast<std::size_t>(rows * columns * size_of(DType::bf16));
  return {memory.reserve(bytes), DType::bf16, rows, columns, columns};
}

bool is_plain_bf16(const tensor::StoredMatrix& weight) {
  return weight.format == tensor::WeightFormat::plain && weight.values.dtype == DType::bf16;
}

/// Rows [begin, begin + count) of a weight, in their place, or expanded to the memory.
tensor::ConstMatrix bf16_rows(const tensor::StoredMatrix& weight, std::int64_t begin, std::int64_t count,
                              Scratch& memory) {
  if (is_plain_bf16(weight)) return matrix_of(weight.values).row_range(begin, count);
  const Matrix expanded = bf16_matrix(memory, count, weight.columns);
  expand_rows(weight, begin, expanded);
  return expanded;
}

/// Computes the product with oneDNN, over some rows of the weight at a time.
void in_vectors(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, Matrix y_MK, bool add) {
  thread_local Scratch x_memory, w_memory;
  std::int64_t column = 0;
  for (const tensor::StoredMatrix& part : parts) {
    for (std::int64_t begin = 0; begin < part.rows; begin += kBlockRows) {
      const std::int64_t count = std::min(kBlockRows, part.rows - begin);
      const Matrix x = bf16_matrix(x_memory, x_MN.rows, count);
      convert(x_MN.column_range(column + begin, count), 1, x);
      product_bf16(x, {bf16_rows(part, begin, count, w_memory), Side::plain}, y_MK, add);
      add = true;
    }
    column += part.rows;
  }
}

}  // namespace

void gemm_bf16_transposed(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, Matrix y_MK,
                          bool add) {
  if (!has_tiles()) return in_vectors(x_MN, parts, y_MK, add);
  for_transposed_blocks_in_tiles(x_MN, parts,
                                 [&](const ProductBlock& block) { write_products(block, nullptr, y_MK, add); });
}

}  // namespace e5v::ops::cpu

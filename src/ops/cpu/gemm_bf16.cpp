#include <oneapi/dnnl/dnnl.hpp>

#include "ops/cpu/gemm.h"
#include "ops/cpu/product_blocks.h"
#include "ops/cpu/rows.h"

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
  for_product_blocks(x_MK, parts, [&](const ProductBlock& block) {
    const tensor::Matrix& products = block.products;
    move_rows(products, bias == nullptr ? nullptr : bias + block.column,
              y_MN.row_range(block.row, products.rows).column_range(block.column, products.columns), add);
  });
} catch (const dnnl::error& error) {
  fail<DeviceError>("[matmul] bf16 GEMM of [{}, {}] to {} columns failed: {}", x_MK.rows, x_MK.columns, y_MN.columns,
                    error.message);
}

std::int64_t gemm_bf16_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  return product_blocks_bytes(DType::bf16, rows_M, inputs_K);
}

}  // namespace e5v::ops::cpu

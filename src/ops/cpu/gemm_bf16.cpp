#include <oneapi/dnnl/dnnl.hpp>

#include "ops/cpu/gemm.h"
#include "ops/cpu/product_blocks.h"

namespace e5v::ops::cpu {

using tensor::DType;

void gemm_bf16(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, const float* bias,
               tensor::Matrix y_MN, bool add) try {
  for_product_blocks(x_MK, parts, [&](const ProductBlock& block) { write_products(block, bias, y_MN, add); });
} catch (const dnnl::error& error) {
  fail<DeviceError>("[matmul] bf16 GEMM of [{}, {}] to {} columns failed: {}", x_MK.rows, x_MK.columns, y_MN.columns,
                    error.message);
}

std::int64_t gemm_bf16_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  return product_blocks_bytes(DType::bf16, rows_M, inputs_K);
}

}  // namespace e5v::ops::cpu

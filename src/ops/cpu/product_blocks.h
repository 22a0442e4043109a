#pragma once
#include <functional>
#include <span>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

/// Products of activations and weights with the CPU's bf16 and 8-bit instructions, passed on block by block. The next
/// step of a block (a bias, scales, a sum) is done while it is in cache.
namespace e5v::ops::cpu {

/// The rows of x w^T from `row` on and its columns from `column` on.
struct ProductBlock {
  std::int64_t row = 0, column = 0;
  tensor::Matrix products;                    ///< f32; i32 for bytes
  const std::int32_t* weight_sums = nullptr;  ///< for bytes: sums over the weight's rows, one for each column
};

/// The block's part of y = its products + bias, or += with add; bias may be null. All f32.
void write_products(const ProductBlock& block, const float* bias, tensor::Matrix y, bool add);

/// Runs take(block) for all of x w^T, in parallel. Blocks of the same columns follow each other from the first row to
/// the last. x is bf16 [M, K] with weights of any format, rounded to bf16, or u8 with parts of int8 or int4. Sums do
/// not depend on the number of threads.
void for_product_blocks(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts,
                        const std::function<void(const ProductBlock&)>& take);

/// The memory of all threads for these products.
std::int64_t product_blocks_bytes(tensor::DType x, std::int64_t rows_M, std::int64_t inputs_K);

/// The same in tiles (AMX). Sums depend only on K, so that a row has the same result in any batch.
void for_product_blocks_in_tiles(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts,
                                 const std::function<void(const ProductBlock&)>& take);
/// x w instead of x w^T, in bf16. x is f32 and is rounded to bf16.
void for_transposed_blocks_in_tiles(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts,
                                    const std::function<void(const ProductBlock&)>& take);
std::int64_t tiles_bytes(tensor::DType x, std::int64_t rows_M, std::int64_t inputs_K);

}  // namespace e5v::ops::cpu

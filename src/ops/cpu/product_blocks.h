#pragma once
#include <functional>
#include <span>

#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

/// Products of activations and weights in the CPU's bf16 and 8-bit instructions, handed out block by block: what
/// becomes of one (a bias, scales, a sum with what is there) is done while it lies in cache.
namespace e5v::ops::cpu {

/// Of x w^T the rows from `row` and the columns from `column` on.
struct ProductBlock {
  std::int64_t row = 0, column = 0;
  tensor::Matrix products;                    ///< f32, of bytes i32
  const std::int32_t* weight_sums = nullptr;  ///< of bytes: sums over the weight's rows, one for each column
};

/// The block's part of y = its products + bias, or += with add; bias may be null. All f32.
void write_products(const ProductBlock& block, const float* bias, tensor::Matrix y, bool add);

/// Runs take(block) for all of x w^T, in parallel; blocks of the same columns one after another, from the first row to
/// the last. x bf16 [M, K] with weights of any format, rounded to it, or u8 with parts of int8 or int4. Sums do not
/// depend on the number of threads.
void for_product_blocks(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts,
                        const std::function<void(const ProductBlock&)>& take);

/// Memory of all threads for that.
std::int64_t product_blocks_bytes(tensor::DType x, std::int64_t rows_M, std::int64_t inputs_K);

/// The same in tiles (AMX). Sums depend on K alone, so rows of a batch are those of a single one.
void for_product_blocks_in_tiles(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts,
                                 const std::function<void(const ProductBlock&)>& take);
/// x w instead of x w^T, in bf16: the weight from its other side. x f32, rounded to bf16.
void for_transposed_blocks_in_tiles(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts,
                                    const std::function<void(const ProductBlock&)>& take);
std::int64_t tiles_bytes(tensor::DType x, std::int64_t rows_M, std::int64_t inputs_K);

}  // namespace e5v::ops::cpu

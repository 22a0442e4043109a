#pragma once
#include <span>

#include "ops/cpu/kernels.h"
#include "ops/cpu/row_tiles.h"
#include "ops/matmul.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops::cpu {

/// y_MN = x_MK w_NK^T, or += with add, where w is `parts` [N_i, K], stacked. x f32, y f32.
void gemm_f32(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MN, bool add);

/// y_MK = x_MN w_NK, or += with add: the product with the same weight, not transposed.
void gemm_f32_transposed(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MK,
                         bool add);

/// The same in bf16. Weights are expanded to bf16 block by block, except plain bf16 weights without tiles. x, still
/// f32, is rounded.
void gemm_bf16_transposed(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MK,
                          bool add);

/// y = x w^T + bias in bf16, or += with add, for weights of any format, rounded to bf16. x bf16, y f32; bias may be
/// null.
void gemm_bf16(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, const float* bias,
               tensor::Matrix y_MN, bool add);

/// y = x w^T in whole numbers, for int8 weights with w_scales_N. Rows of x are rounded to `levels` (at most
/// kMaxInt8Levels) whole numbers on either side of zero. Sums must stay in 32 bits, and are exact up to the scales. x
/// f32, y f32.
void gemm_int8(tensor::ConstMatrix x_MK, int levels, std::span<const tensor::StoredMatrix> parts,
               std::span<const float> w_scales_N, tensor::Matrix y_MN, bool add);
constexpr int kMaxInt8Levels = 32767 - 128;  // activation plus weight stay in 16 bits

/// The bytes that each function keeps for its next call.
std::int64_t gemm_f32_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K);
std::int64_t gemm_bf16_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K);
std::int64_t gemm_bytes_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K);
std::int64_t gemm_int8_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K);

/// Rows of x in whole numbers, for gemm_int8.
struct RoundedRows {
  RowTiles tiles;
  const std::int16_t* values;
  const float* scales;
  const std::uint32_t* own_products;  ///< subtracted from a row's sums
};

/// Rows as bytes, for gemm_bytes: those of x, then the remainders of its fine rows.
struct QuantizedRows {
  tensor::ConstMatrix values;  ///< u8 [M + F, K]
  const ByteScale* scales;     ///< [M + F]
  FineRows fine = {};          ///< F of them
};
/// Whether int8 products use gemm_bytes instead of gemm_int8. It needs 8-bit dot products of the CPU, and sums of K
/// products in 32 bits.
bool multiplies_bytes(std::int64_t inputs_K);

/// y = x w^T + bias with 8-bit dot products, or += with add, for int8 weights with w_scales_N. Exact up to the scales
/// if the CPU has these instructions; otherwise oneDNN's sums saturate at 16 bits. y f32; bias may be null. Bytes of x
/// are unsigned, as the instructions need them.
void gemm_bytes(const QuantizedRows& x, std::span<const tensor::StoredMatrix> parts, std::span<const float> w_scales_N,
                const float* bias, tensor::Matrix y_MN, bool add);

}  // namespace e5v::ops::cpu

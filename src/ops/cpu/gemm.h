#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/cpu/row_tiles.h"
#include "ops/matmul.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops::cpu {

/// y_MN = x_MK w_NK^T, or += with add, where w is `parts` [N_i, K], stacked. x f32, y f32.
void gemm_f32(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MN, bool add);

/// y_MK = x_MN w_NK, or += with add: the same weight from its other side.
void gemm_f32_transposed(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MK,
                         bool add);

/// The same in bf16: plain bf16 weights where they are, all others expanded to it block by block; x, still f32, is
/// rounded.
void gemm_bf16_transposed(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MK,
                          bool add);

/// y = x w^T in bf16, for quantised weights that are expanded to it. x bf16, y f32.
void gemm_bf16(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MN, bool add);

/// y = x w^T in whole numbers, for int8 weights with w_scales_N. Rows of x are rounded to `levels` (at most
/// kMostInt8Levels) whole numbers to either side; sums, which must not leave 32 bits, are exact up to the scales.
/// x f32, y f32.
void gemm_int8(tensor::ConstMatrix x_MK, int levels, std::span<const tensor::StoredMatrix> parts,
               std::span<const float> w_scales_N, tensor::Matrix y_MN, bool add);
constexpr int kMostInt8Levels = 32767 - 128;  // activation plus weight stay in 16 bits

/// Memory that each keeps for its next call.
std::int64_t gemm_f32_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K);
std::int64_t gemm_bf16_scratch_bytes();
std::int64_t gemm_int8_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K);

/// Rows of x in whole numbers, inside gemm_int8.
struct RoundedRows {
  RowTiles tiles;
  const std::int16_t* values;
  const float* scales;
  const std::uint32_t* own_products;  ///< to be subtracted from a row's sums
};

/// Rows as bytes with a scale each, for PackedInt8.
struct QuantizedRows {
  tensor::ConstMatrix values;  ///< i8 [M, K]
  const float* scales;         ///< [M]
};

/// A weight in oneDNN's blocked bf16 layout.
class PackedBf16 {
 public:
  /// Stacks parts [N_i, K]. Throws DeviceError when this CPU has no fast bf16 GEMM.
  explicit PackedBf16(std::span<const tensor::StoredMatrix> parts);
  PackedBf16(PackedBf16&&) noexcept;
  PackedBf16& operator=(PackedBf16&&) noexcept;
  ~PackedBf16();

  std::int64_t bytes() const;
  std::string kernel() const;

  /// y = x W^T + bias, or y += ... with accumulate. x bf16; y f32, or bf16 without accumulate; bias may be null.
  void multiply(tensor::ConstMatrix x_MK, const float* bias, tensor::Matrix y_MN, bool accumulate) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An int8 weight in oneDNN's blocked layout, for CPUs with 8-bit dot products.
class PackedInt8 {
 public:
  /// Stacks parts int8 [N_i, K]; scales of all rows. Throws DeviceError when oneDNN has no int8 GEMM here. Without
  /// 8-bit dot products oneDNN's sums saturate at 16 bits: kernel() then does not start with "brg".
  PackedInt8(std::span<const tensor::StoredMatrix> parts, std::vector<float> scales);
  PackedInt8(PackedInt8&&) noexcept;
  PackedInt8& operator=(PackedInt8&&) noexcept;
  ~PackedInt8();

  std::int64_t bytes() const;
  std::string kernel() const;

  /// y = x W^T + bias, or y += ... with accumulate. x i8; y f32; bias may be null.
  void multiply(const QuantizedRows& x, const float* bias, tensor::Matrix y_MN, bool accumulate) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace e5v::ops::cpu

#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/matmul.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops::cpu {

/// y_MN = x_MK w_NK^T, or += with add, in f32. Weights that are not stored in f32 are expanded to it a block of rows at
/// a time, so that the block is still in cache when it is multiplied.
void gemm_f32(tensor::ConstMatrix x_MK, const tensor::StoredMatrix& w_NK, tensor::Matrix y_MN, bool add);

/// The same in bf16, for quantised weights that are expanded to it. x bf16, y f32.
void gemm_bf16(tensor::ConstMatrix x_MK, const tensor::StoredMatrix& w_NK, tensor::Matrix y_MN, bool add);

/// Rows as whole numbers, and what to multiply them with.
struct QuantizedRows {
  tensor::ConstMatrix values;  ///< [M, K]; i16, one more column of zeros when K is odd, or i8 for PackedInt8
  const float* scales;         ///< [M]
};

/// A product: y [rows, N] = (x x_scales) (w w_scales)^T, or += with add.
struct Int8Product {
  const std::int16_t* x;
  std::int64_t x_stride;
  const float* x_scales;
  std::int64_t rows;
  const tensor::StoredMatrix& w_NK;
  const float* w_scales;
  tensor::Matrix y_MN;
  bool add;
};

/// y_MN = x_MK w_NK^T, or += with add, in whole numbers, exact up to the scales; sums must not leave 32 bits. w_NK
/// int8, w_scales [N]; y f32.
void gemm_int8(const QuantizedRows& x, const tensor::StoredMatrix& w_NK, std::span<const float> w_scales,
               tensor::Matrix y_MN, bool add);

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

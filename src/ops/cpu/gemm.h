#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/matmul.h"
#include "tensor/matrix.h"

namespace e5v::ops::cpu {

/// y_MN += x_MK w_NK^T in f32. w_NK f32|f16|bf16 [N, K]; 16-bit weights are widened a block of rows at a time, so that
/// the block is still in cache when it is multiplied.
void gemm_f32(tensor::ConstMatrix x_MK, const tensor::TensorView& w_NK, tensor::Matrix y_MN);

/// A weight in oneDNN's blocked bf16 layout.
class PackedBf16 {
 public:
  /// Stacks parts f32|f16|bf16 [N_i, K]. Throws DeviceError when this CPU has no fast bf16 GEMM.
  explicit PackedBf16(std::span<const tensor::TensorView> parts);
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

}  // namespace e5v::ops::cpu

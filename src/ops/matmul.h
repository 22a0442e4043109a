#pragma once
#include <memory>
#include <span>
#include <string>

#include "tensor/matrix.h"
#include "tensor/tensor.h"

namespace e5v::ops {

/// What a GEMM multiplies. Sums are f32 in both.
enum class Arithmetic {
  f32,   ///< f32 activations; weights of any floating type, widened to f32 block by block
  bf16,  ///< bf16 activations and weights in the CPU's bf16 instructions
};

/// The element type of a GEMM's input activations under an arithmetic.
constexpr tensor::DType input_dtype(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::bf16 ? tensor::DType::bf16 : tensor::DType::f32;
}

/// A weight matrix made ready for matmul. Under Arithmetic::f32 it only borrows the tensors it is made of; under
/// Arithmetic::bf16 it holds a copy in the CPU library's blocked layout. Move-only.
class Weight {
 public:
  /// Stacks parts, each f32|f16|bf16 [N_i, K], to one [N, K] matrix. Throws InvalidInput when types or widths differ
  /// from that, DeviceError when this CPU has no GEMM for the arithmetic.
  Weight(std::span<const tensor::TensorView> parts, Arithmetic arithmetic);
  Weight(Weight&&) noexcept;
  Weight& operator=(Weight&&) noexcept;
  ~Weight();

  std::int64_t outputs() const;  ///< N
  std::int64_t inputs() const;   ///< K
  Arithmetic arithmetic() const;
  std::int64_t packed_bytes() const;  ///< memory held beyond the borrowed tensors
  std::string kernel() const;         ///< the library's name of the kernel behind it

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// y = x W^T + bias, or y += x W^T + bias with accumulate.
/// x_MK [M, K] of the weight's input_dtype; bias_N [N] or empty; y_MN f32 [M, N], or bf16 without accumulate under
/// Arithmetic::bf16. Throws InvalidInput when shapes or types differ from that.
void matmul(tensor::ConstMatrix x_MK, const Weight& weight, std::span<const float> bias_N, tensor::Matrix y_MN,
            bool accumulate = false);

}  // namespace e5v::ops

#pragma once
#include <memory>
#include <span>
#include <string>

#include "ops/weight_form.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// What a GEMM multiplies.
enum class Arithmetic {
  f32,   ///< f32 activations; weights of any format, expanded to f32 block by block; f32 sums
  bf16,  ///< bf16 activations and weights in the CPU's bf16 instructions; f32 sums
  int8,  ///< int8 weights, and activations rounded to whole numbers with a scale for each row; exact sums. 256 levels
         ///< where the CPU has 8-bit dot products, int8_levels of them to either side elsewhere. int4 weights are
         ///< rounded to bytes with a scale for each row there, and expanded to f32 elsewhere
  fp8,   ///< on an accelerator: weights and activations rounded to 8-bit floats (e4m3, arXiv:2209.05433) with a scale
         ///< for each row; f32 sums. Matrices whose sides are no multiples of 16 are multiplied in bf16
};

/// The element type of a GEMM's input activations under an arithmetic; int8 rounds them itself.
constexpr tensor::DType input_dtype(Arithmetic arithmetic) {
  const bool bf16 = arithmetic == Arithmetic::bf16 || arithmetic == Arithmetic::fp8;
  return bf16 ? tensor::DType::bf16 : tensor::DType::f32;
}

/// A weight matrix made ready for matmul. It borrows the tensors it is made of and copies none. Move-only.
class Weight {
 public:
  /// Stacks parts, each [N_i, K] and of one format, to one [N, K] matrix. Throws InvalidInput when formats or widths
  /// differ, or are not those of the arithmetic; DeviceError when this CPU has no GEMM for it.
  Weight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic);

  std::int64_t outputs() const { return outputs_; }  ///< N
  std::int64_t inputs() const { return inputs_; }    ///< K
  Arithmetic arithmetic() const { return arithmetic_; }
  tensor::Place place() const { return form_->place(); }  ///< of the weight, and so of what is multiplied
  /// The element type of gradients and adapters' inputs in products beside such a GEMM: bf16 where it is multiplied in
  /// hardware, f32 under f32 arithmetic.
  tensor::DType product_dtype() const { return form_->types().product; }
  /// The element type of results that an operation reads which rounds again: on an accelerator, where memory is the
  /// limit of such operations, bf16 unless the arithmetic is f32.
  tensor::DType result_dtype() const { return form_->types().result; }
  /// Whether products are of 8-bit floats, and so take x as Fp8Rows.
  bool fp8() const { return form_->fp8(); }
  std::string kernel() const { return form_->kernel(); }  ///< the library's name of the kernel behind it
  const WeightForm& form() const { return *form_; }

 private:
  Arithmetic arithmetic_;
  std::int64_t outputs_ = 0, inputs_ = 0;
  std::unique_ptr<WeightForm> form_;
};

/// y = x W^T + bias, or y += x W^T + bias with accumulate.
/// x_MK [M, K] of the weight's input_dtype; bias_N [N] or empty; y_MN f32 [M, N], or without accumulate of
/// result_dtype. Throws InvalidInput when shapes or types differ from that, or fine names no row. Under int8 with 256
/// levels the `fine` rows keep what rounding takes from them in a second row: 16 bits in effect. Under fp8 they are
/// multiplied in bf16, and the others need not be in x_MK where `rounded` has them.
void matmul(tensor::ConstMatrix x_MK, const Weight& weight, std::span<const float> bias_N, tensor::Matrix y_MN,
            bool accumulate = false, FineRows fine = {}, const Fp8Rows& rounded = {});

/// dx += dy W: the backward pass of matmul by x. dy_MN f32, on an accelerator f32|bf16, [M, N], and W, are rounded to
/// the weight's product_dtype(); dx_MK f32 [M, K].
void matmul_backward(tensor::ConstMatrix dy_MN, const Weight& weight, tensor::Matrix dx_MK);

// In the functions below the type of x or dy, f32 or bf16, is that of the arithmetic: under bf16 w is rounded to it.
// Sums and results are f32; those under bf16 do not depend on the number of threads. They throw InvalidInput when
// shapes or types do not fit, DeviceError for bf16 on a CPU without instructions for it.

/// dw += scale dy^T x: the backward pass of matmul and multiply by the weight. dy_MN, x_MK both f32, or both bf16 and
/// scale 1; dw_NK f32.
void weight_gradient(tensor::ConstMatrix dy_MN, tensor::ConstMatrix x_MK, float scale, tensor::Matrix dw_NK);

/// y = scale x w^T, or += with add, for small matrices that are not weights of a checkpoint. x_MK f32|bf16; w_NK, y_MN
/// f32.
void multiply(tensor::ConstMatrix x_MK, tensor::ConstMatrix w_NK, float scale, tensor::Matrix y_MN, bool add);
/// dx = scale dy w, or += with add. dy_MN f32|bf16.
void multiply_backward(tensor::ConstMatrix dy_MN, tensor::ConstMatrix w_NK, float scale, tensor::Matrix dx_MK,
                       bool add);

/// Memory that matmul keeps for its next call, in bytes: the rows of x as the kernel reads them, and each thread's part
/// of a weight and its sums.
std::int64_t matmul_scratch_bytes(Arithmetic arithmetic, std::int64_t rows_M, std::int64_t inputs_K);

}  // namespace e5v::ops

#pragma once
#include <memory>
#include <span>
#include <string>

#include "ops/weight_form.h"
#include "tensor/matrix.h"
#include "tensor/stored_matrix.h"

namespace e5v::ops {

/// The arithmetic of a GEMM.
enum class Arithmetic {
  f32,   ///< f32 activations; weights of any format, expanded to f32 block by block; f32 sums
  bf16,  ///< bf16 activations and weights in the CPU's bf16 instructions; f32 sums
  int8,  ///< int8 weights; activations are rounded to whole numbers with a scale for each row; exact sums. 256 levels
         ///< if the CPU has 8-bit dot products, otherwise int8_levels on either side of zero. int4 weights are
         ///< rounded to bytes with a scale for each row if it has them, otherwise expanded to f32
  fp8,   ///< on an accelerator: weights and activations rounded to 8-bit floats (e4m3, arXiv:2209.05433) with a scale
         ///< for each row; f32 sums. Matrices with other sides than multiples of 16 use bf16
};

/// The element type of a GEMM's input activations under an arithmetic; int8 rounds them itself.
constexpr tensor::DType input_dtype(Arithmetic arithmetic) {
  const bool bf16 = arithmetic == Arithmetic::bf16 || arithmetic == Arithmetic::fp8;
  return bf16 ? tensor::DType::bf16 : tensor::DType::f32;
}

/// A weight matrix that is ready for matmul. It borrows its tensors and copies none. Move-only.
class Weight {
 public:
  /// Stacks parts, each [N_i, K] and of one format, to one [N, K] matrix. Throws InvalidInput when formats or widths
  /// differ, or do not fit the arithmetic; DeviceError when this CPU has no GEMM for it.
  Weight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic);

  std::int64_t outputs() const { return outputs_; }  ///< N
  std::int64_t inputs() const { return inputs_; }    ///< K
  Arithmetic arithmetic() const { return arithmetic_; }
  tensor::Place place() const { return form_->place(); }  ///< of the weight and of the matrices in products
  /// The element type of gradients and adapters' inputs in products next to such a GEMM: bf16 if it is multiplied in
  /// hardware, f32 under f32 arithmetic.
  tensor::DType product_dtype() const { return form_->types().product; }
  /// The element type of results when the next operation rounds them again. On an accelerator it is bf16 unless the
  /// arithmetic is f32, because memory is the limit of such operations.
  tensor::DType result_dtype() const { return form_->types().result; }
  /// Whether products use 8-bit floats, and so take x as Fp8Rows.
  bool fp8() const { return form_->fp8(); }
  std::string kernel() const { return form_->kernel(); }  ///< the library's name of the kernel
  const WeightForm& form() const { return *form_; }

 private:
  Arithmetic arithmetic_;
  std::int64_t outputs_ = 0, inputs_ = 0;
  std::unique_ptr<WeightForm> form_;
};

/// y = x W^T + bias, or y += x W^T + bias with accumulate. x_MK [M, K] of the weight's input_dtype; bias_N [N] or
/// empty; y_MN f32 [M, N], or of result_dtype without accumulate. Throws InvalidInput when shapes or types differ from
/// that, or fine names no row. Under int8 with 256 levels, the rounding errors of the `fine` rows are multiplied as
/// second rows, which makes 16 bits in effect. Under fp8 the fine rows are multiplied in bf16; other rows need not be
/// in x_MK if `rounded` has them.
void matmul(tensor::ConstMatrix x_MK, const Weight& weight, std::span<const float> bias_N, tensor::Matrix y_MN,
            bool accumulate = false, FineRows fine = {}, const Fp8Rows& rounded = {});

/// dx += dy W: the backward pass of matmul with respect to x. W and dy_MN [M, N], which is f32, on an accelerator
/// f32|bf16, are rounded to the weight's product_dtype(); dx_MK f32 [M, K].
void matmul_backward(tensor::ConstMatrix dy_MN, const Weight& weight, tensor::Matrix dx_MK);

// In the functions below, the type of x or dy, f32 or bf16, decides the arithmetic: for bf16, w is rounded to it. Sums
// and results are f32; with bf16 they do not depend on the number of threads. They throw InvalidInput when shapes or
// types do not fit, DeviceError for bf16 on a CPU without instructions for it.

/// dw += scale dy^T x: the backward pass of matmul and multiply with respect to the weight. dy_MN, x_MK both f32, or
/// both bf16 with scale 1; dw_NK f32.
void weight_gradient(tensor::ConstMatrix dy_MN, tensor::ConstMatrix x_MK, float scale, tensor::Matrix dw_NK);

/// y = scale x w^T, or += with add, for small matrices that are not weights of a checkpoint. x_MK f32|bf16; w_NK, y_MN
/// f32.
void multiply(tensor::ConstMatrix x_MK, tensor::ConstMatrix w_NK, float scale, tensor::Matrix y_MN, bool add);
/// dx = scale dy w, or += with add. dy_MN f32|bf16.
void multiply_backward(tensor::ConstMatrix dy_MN, tensor::ConstMatrix w_NK, float scale, tensor::Matrix dx_MK,
                       bool add);

/// The bytes that matmul keeps for its next call: reordered rows of x, and each thread's part of a weight and its sums.
std::int64_t matmul_scratch_bytes(Arithmetic arithmetic, std::int64_t rows_M, std::int64_t inputs_K);

}  // namespace e5v::ops

#pragma once
#include "ops/product_rows.h"
#include "tensor/matrix.h"

/// The backward pass of y = f(x) takes dy, the gradient of a loss with respect to y, and adds the gradient with respect
/// to x to dx. All matrices are f32.
namespace e5v::ops {

/// y = silu(gate) * up, silu(a) = a / (1 + exp(-a)), with gate and up side by side.
/// gate_up_TG f32 [T, 2F], gate in columns [0, F), up in [F, 2F); y_TF f32|bf16 [T, F].
/// Throws InvalidInput when shapes or types differ from that. Source: arXiv:2002.05202, eq. 6 (SwiGLU without biases).
void swiglu(tensor::ConstMatrix gate_up_TG, tensor::Matrix y_TF);
/// The same with the rows of y rounded for products. Of y, which is bf16, only the fine rows are written.
void swiglu_fp8(tensor::ConstMatrix gate_up_TG, tensor::Matrix y_TF, FineRows fine, const Fp8Rows& rounded_TF);
/// Without add, the old values of dgate_up are overwritten.
void swiglu_backward(tensor::ConstMatrix gate_up_TG, tensor::ConstMatrix dy_TF, tensor::Matrix dgate_up_TG,
                     bool add = true);

/// y = x / (1 + exp(-1.702 x)): the sigmoid approximation of GELU that OpenAI's CLIP uses.
/// x_TF f32 [T, F]; y_TF f32|bf16 [T, F], may be x. Source: arXiv:1606.08415, section 2.
void quick_gelu(tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void quick_gelu_backward(tensor::ConstMatrix x_TF, tensor::ConstMatrix dy_TF, tensor::Matrix dx_TF);

/// y = x / 2 * (1 + erf(x / sqrt(2))). Shapes and types as quick_gelu. Source: arXiv:1606.08415, section 2.
/// erf by Abramowitz and Stegun, 7.1.26: absolute error below 2e-7.
void gelu(tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu_backward(tensor::ConstMatrix x_TF, tensor::ConstMatrix dy_TF, tensor::Matrix dx_TF);

/// y = x / 2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))). Shapes, types and source as gelu.
void gelu_tanh(tensor::ConstMatrix x_TF, tensor::Matrix y_TF);
void gelu_tanh_backward(tensor::ConstMatrix x_TF, tensor::ConstMatrix dy_TF, tensor::Matrix dx_TF);

}  // namespace e5v::ops

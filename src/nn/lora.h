#pragma once
#include <cstdint>
#include <string>

#include "nn/pass.h"
#include "tensor/tensor.h"

namespace e5v::nn {

/// A low-rank addition to a weight matrix: y += scale * dropout(x) A^T B^T. Source: arXiv:2106.09685, section 4.1.
struct Lora {
  std::string target;         ///< its matrix, such as "language_model.layers.0.self_attn.q_proj"
  tensor::Tensor a_RK, b_NR;  ///< f32 [rank, inputs] and [outputs, rank]
  float scale = 1;            ///< alpha / rank
  std::uint32_t place = 0;    ///< index of the adapter in the model, for dropout

  std::int64_t rank() const { return a_RK.shape()[0]; }
  std::int64_t inputs() const { return a_RK.shape()[1]; }
  std::int64_t outputs() const { return b_NR.shape()[0]; }

  /// What the backward pass needs of a forward pass. Both have the type of the products.
  struct Seen {
    tensor::ConstMatrix x_MK;      ///< x after dropout
    tensor::ConstMatrix inner_MR;  ///< scale x A^T
  };

  /// Adds the adapter's result to y, with products of a type: bf16, to which x and the factors are rounded, or f32.
  /// x_MK f32|bf16 [M, K] must not be overwritten before the backward pass; y_MN f32 [M, N].
  Seen add_to(const Pass& pass, tensor::ConstMatrix x_MK, tensor::DType products, tensor::Matrix y_MN) const;

  /// Adds to the gradients with respect to x, A and B that the pass's tape watches. x_MK identifies the forward pass's
  /// x; dy_MN f32.
  void backward(const Pass& pass, tensor::ConstMatrix x_MK, const Seen& seen, tensor::ConstMatrix dy_MN) const;
};

}  // namespace e5v::nn

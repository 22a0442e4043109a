#pragma once
#include <cstdint>
#include <string>

#include "nn/pass.h"
#include "tensor/tensor.h"

namespace e5v::nn {

/// A low-rank addition to a weight matrix: y += scale * dropout(x) A^T B^T. Source: arXiv:2106.09685, section 4.1.
struct Lora {
  std::string target;         ///< the matrix that it adds to, "language_model.layers.0.self_attn.q_proj"
  tensor::Tensor a_RK, b_NR;  ///< f32 [rank, inputs] and [outputs, rank]
  float scale = 1;            ///< alpha / rank
  std::uint32_t place = 0;    ///< number of the adapter in the model, for dropout

  std::int64_t rank() const { return a_RK.shape()[0]; }
  std::int64_t inputs() const { return a_RK.shape()[1]; }
  std::int64_t outputs() const { return b_NR.shape()[0]; }

  /// y += what it adds. x_MK f32|bf16 [M, K], not overwritten before the tape is rewound; y_MN f32 [M, N].
  void add_to(const Pass& pass, tensor::ConstMatrix x_MK, tensor::Matrix y_MN) const;
};

}  // namespace e5v::nn

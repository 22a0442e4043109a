#pragma once
#include "nn/functions.h"
#include "nn/linear.h"

namespace e5v::nn {

/// y = x / sqrt(mean(x^2) + eps) * gamma. Source: arXiv:1910.07467.
class RmsNorm {
 public:
  RmsNorm(const tensor::TensorView& gamma, float eps) : gamma_(gamma), eps_(eps) {}

  /// y f32|bf16 [T, D]; must not be x when there is a tape. x may be overwritten afterwards.
  void forward(const Pass& pass, tensor::ConstMatrix x_TD, tensor::Matrix y_TD) const;
  /// y in the form that the readers take.
  Input forward(const Pass& pass, tensor::ConstMatrix x_TD, Readers readers) const;

 private:
  Vector gamma_;
  float eps_;
};

/// y = (x - mean) / sqrt(var + eps) * gamma + beta. Source: arXiv:1607.06450.
class LayerNorm {
 public:
  LayerNorm(const tensor::TensorView& gamma, const tensor::TensorView& beta, float eps)
      : gamma_(gamma), beta_(beta), eps_(eps) {}

  /// y f32|bf16 [T, D]; must not be x when there is a tape. x may be overwritten afterwards.
  void forward(const Pass& pass, tensor::ConstMatrix x_TD, tensor::Matrix y_TD) const;
  /// y in the type that the reader takes.
  tensor::Matrix forward(const Pass& pass, tensor::ConstMatrix x_TD, const Linear& reader) const;

 private:
  Vector gamma_, beta_;
  float eps_;
};

}  // namespace e5v::nn

#include "nn/linear.h"

#include "ops/rows.h"

namespace e5v::nn {
namespace {

/// bf16 copies of the f32 tensors among `weights`, when the precision means 16 bits and the GEMM does not pack anyway.
std::vector<tensor::Tensor> round_weights(std::span<const tensor::TensorView> weights, Precision precision) {
  std::vector<tensor::Tensor> rounded;
  if (precision == Precision::f32 || arithmetic_for(precision) == ops::Arithmetic::bf16) return rounded;
  for (const tensor::TensorView& weight : weights) {
    if (weight.dtype != tensor::DType::f32) continue;
    rounded.emplace_back(tensor::DType::bf16, weight.shape);
    ops::convert(matrix_of(weight), matrix_of(rounded.back()));
  }
  return rounded;
}

std::vector<tensor::TensorView> chosen(std::span<const tensor::TensorView> weights,
                                       const std::vector<tensor::Tensor>& rounded) {
  std::vector<tensor::TensorView> views(weights.begin(), weights.end());
  std::size_t next = 0;
  for (tensor::TensorView& view : views) {
    if (!rounded.empty() && view.dtype == tensor::DType::f32) view = rounded[next++].view();
  }
  return views;
}

}  // namespace

Linear::Linear(std::initializer_list<tensor::TensorView> weights, std::initializer_list<tensor::TensorView> biases,
               Precision precision)
    : rounded_(round_weights(weights, precision)), weight_(chosen(weights, rounded_), arithmetic_for(precision)) {
  for (const tensor::TensorView& part : biases) {
    const tensor::Tensor wide = to_f32(part);
    bias_.insert(bias_.end(), wide.as<float>().begin(), wide.as<float>().end());
  }
  require(bias_.empty() || static_cast<std::int64_t>(bias_.size()) == outputs(), "[linear] {} biases for {} outputs",
          bias_.size(), outputs());
}

std::int64_t Linear::owned_bytes() const {
  std::int64_t bytes = weight_.packed_bytes() + static_cast<std::int64_t>(bias_.size() * sizeof(float));
  for (const tensor::Tensor& tensor : rounded_) bytes += tensor.elements() * size_of(tensor.dtype());
  return bytes;
}

}  // namespace e5v::nn

#include "nn/linear.h"

#include "ops/rows.h"

namespace e5v::nn {
namespace {

/// bf16 copies of the f32 tensors among `weights`, when the precision means 16 bits and the GEMM does not pack anyway.
std::vector<tensor::Tensor> round_weights(std::span<const tensor::StoredMatrix> weights, Precision precision) {
  std::vector<tensor::Tensor> rounded;
  for (const tensor::StoredMatrix& weight : weights) {
    if (precision == Precision::f32 || arithmetic_for(precision, weight.format) == ops::Arithmetic::bf16) continue;
    if (weight.values.dtype != tensor::DType::f32) continue;
    rounded.emplace_back(tensor::DType::bf16, weight.values.shape);
    ops::convert(matrix_of(weight.values), matrix_of(rounded.back()));
  }
  return rounded;
}

std::vector<tensor::StoredMatrix> chosen(std::span<const tensor::StoredMatrix> weights,
                                         const std::vector<tensor::Tensor>& rounded) {
  std::vector<tensor::StoredMatrix> parts(weights.begin(), weights.end());
  std::size_t next = 0;
  for (tensor::StoredMatrix& part : parts) {
    if (!rounded.empty() && part.values.dtype == tensor::DType::f32) part = rounded[next++].view();
  }
  return parts;
}

tensor::WeightFormat format_of(std::initializer_list<tensor::StoredMatrix> weights) {
  return weights.size() == 0 ? tensor::WeightFormat::plain : weights.begin()->format;
}

}  // namespace

Linear::Linear(std::initializer_list<tensor::StoredMatrix> weights, std::initializer_list<tensor::TensorView> biases,
               Precision precision)
    : rounded_(round_weights(weights, precision)),
      weight_(chosen(weights, rounded_), arithmetic_for(precision, format_of(weights))) {
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

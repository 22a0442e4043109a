#pragma once
#include <vector>

#include "ops/backend.h"
#include "ops/cuda/gemm.h"
#include "tensor/tensor.h"

namespace e5v::ops::cuda {

/// The form of all weights on the GPU: their parts, stacked [N, K], in their memory. Parts that follow each other in
/// memory are one part.
class StackedWeight final : public WeightForm {
 public:
  /// Borrows parts that can be multiplied in their stored form, and holds copies of the others in the arithmetic's
  /// type. The library and the stream must outlive it.
  StackedWeight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic, Gemm& gemm, cudaStream_t stream);

  void multiply(const WeightProduct& product) const override;
  void multiply_backward(tensor::ConstMatrix dy, tensor::Matrix dx) const override;
  std::string kernel() const override;
  ProductTypes types() const override { return {type_, type_, type_}; }
  tensor::Place place() const override { return tensor::Place::device; }
  bool fp8() const override { return fp8_; }

  /// A part in the form that the product takes.
  struct Part {
    tensor::TensorView values;          ///< [N_i, K], plain, or the expansion of a quantised part
    tensor::StoredMatrix stored;        ///< for quantised parts
    std::int64_t begin = 0, count = 0;  ///< rows of the stack
    tensor::Tensor bytes, scales;       ///< under fp8: e4m3 [N_i, K], and a scale for each row

    bool quantised() const { return stored.format != tensor::WeightFormat::plain; }
  };

 private:
  void add(const tensor::StoredMatrix& part);
  void round_to_fp8(Part& part) const;
  bool quantised() const { return format_ != tensor::WeightFormat::plain; }
  /// A bias in bf16, converted from the f32 bias at the first call. A weight has one bias.
  const void* rounded_bias(const float* bias) const;
  void multiply_plain(tensor::ConstMatrix x, const float* bias, tensor::Matrix y, bool accumulate) const;
  void multiply_fp8(const Fp8Rows& x, const float* bias, tensor::Matrix y, bool accumulate) const;

  Gemm& gemm_;
  cudaStream_t stream_;
  tensor::DType type_;  // of both factors, except for fp8
  tensor::WeightFormat format_;
  bool fp8_ = false;
  std::int64_t rows_ = 0, columns_ = 0;
  std::vector<Part> parts_;
  std::vector<tensor::Tensor> copies_;
  mutable tensor::Tensor bias_;
};

}  // namespace e5v::ops::cuda

#pragma once
#include <vector>

#include "ops/backend.h"
#include "ops/cuda/gemm.h"
#include "tensor/tensor.h"

namespace e5v::ops::cuda {

/// A weight of a matrix product: its parts, stacked [N, K], as they lie on the GPU. Parts that follow each other in
/// memory are one.
class StackedWeight : public DeviceWeight {
 public:
  /// Borrows what can be multiplied as it is stored, and otherwise holds copies in the arithmetic's type.
  StackedWeight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic, cudaStream_t stream);

  std::string kernel() const override;
  bool fp8() const override { return fp8_; }
  std::int64_t owned_bytes() const override;

  /// A part as the product takes it.
  struct Part {
    tensor::TensorView values;          ///< [N_i, K], plain; or what is expanded to it
    tensor::StoredMatrix stored;        ///< of quantised parts
    std::int64_t begin = 0, count = 0;  ///< rows of the stack
    tensor::Tensor bytes, scales;       ///< under fp8: e4m3 [N_i, K], and a scale for each row
  };
  const std::vector<Part>& parts() const { return parts_; }
  /// The type of both factors, but for fp8.
  tensor::DType type() const { return type_; }
  bool quantised() const { return format_ != tensor::WeightFormat::plain; }

  /// A bias in bf16, made from the one in f32 when it is first asked for: a weight has one bias.
  const void* rounded_bias(const float* bias) const;

 private:
  void add(const tensor::StoredMatrix& part);
  void round_to_fp8(Part& part, cudaStream_t stream) const;

  tensor::DType type_;
  tensor::WeightFormat format_;
  bool fp8_ = false;
  std::int64_t rows_ = 0, columns_ = 0;
  std::vector<Part> parts_;
  std::vector<tensor::Tensor> copies_;
  mutable tensor::Tensor bias_;
};

}  // namespace e5v::ops::cuda

#pragma once
#include "ops/cuda/backend.h"
#include "ops/cuda/gemm.h"
#include "ops/cuda/memory.h"

/// Matrices as factors of a product.
namespace e5v::ops::cuda {

inline cudaDataType type_of(tensor::DType type) {
  switch (type) {
    case tensor::DType::f32: return CUDA_R_32F;
    case tensor::DType::bf16: return CUDA_R_16BF;
    default: fail<InvalidInput>("[cuda] products are of f32 or bf16, found {}", name_of(type));
  }
}

inline Factor plain(tensor::ConstMatrix x) { return {x.data, type_of(x.dtype), x.rows, x.columns, x.stride, false}; }

inline Factor transposed(tensor::ConstMatrix x) {
  Factor factor = plain(x);
  factor.transposed = true;
  return factor;
}

inline Product product(const Factor& a, const Factor& b, tensor::Matrix y, float scale, bool add) {
  Product result;
  result.a = a;
  result.b = b;
  result.y = y.data;
  result.y_type = type_of(y.dtype);
  result.y_stride = y.stride;
  result.alpha = scale;
  result.beta = add ? 1.0f : 0.0f;
  return result;
}

/// A matrix in another type, for the work that is put on a stream while the object exists; the matrix itself if it has
/// that type.
class InType {
 public:
  InType(tensor::ConstMatrix x, tensor::DType type, cudaStream_t stream)
      : memory_(x.dtype == type ? 0 : static_cast<std::size_t>(x.rows * x.columns * size_of(type)), stream) {
    if (x.dtype == type) {
      matrix_ = x;
      return;
    }
    const tensor::Matrix copy{memory_.as<std::byte>(), type, x.rows, x.columns, x.columns, tensor::Place::device};
    convert(view_of(x), 1, view_of(copy), stream);
    matrix_ = copy;
  }
  tensor::ConstMatrix matrix() const { return matrix_; }

 private:
  Temporary memory_;
  tensor::ConstMatrix matrix_;
};

}  // namespace e5v::ops::cuda

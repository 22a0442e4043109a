// Products of training without a weight of a checkpoint.
#include "ops/cuda/factors.h"

namespace e5v::ops::cuda {

using tensor::ConstMatrix;
using tensor::Matrix;

void CudaBackend::weight_gradient(ConstMatrix dy, ConstMatrix x, float scale, Matrix dw) {
  gemm_->run(product(transposed(dy), plain(x), dw, scale, true));
}

void CudaBackend::multiply(ConstMatrix x, ConstMatrix w, float scale, Matrix y, bool add) {
  const InType factor(w, x.dtype, stream_);
  gemm_->run(product(plain(x), transposed(factor.matrix()), y, scale, add));
}

void CudaBackend::multiply_backward(ConstMatrix dy, ConstMatrix w, float scale, Matrix dx, bool add) {
  const InType factor(w, dy.dtype, stream_);
  gemm_->run(product(plain(dy), plain(factor.matrix()), dx, scale, add));
}

}  // namespace e5v::ops::cuda

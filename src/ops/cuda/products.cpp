// The backend's matrix products. Legend: M rows, K inputs, N outputs.
#include "base/error.h"
#include "ops/cuda/backend.h"
#include "ops/cuda/expand.h"
#include "ops/cuda/memory.h"
#include "ops/cuda/weight.h"

namespace e5v::ops::cuda {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;

cudaDataType type_of(DType type) {
  switch (type) {
    case DType::f32: return CUDA_R_32F;
    case DType::bf16: return CUDA_R_16BF;
    default: fail<InvalidInput>("[cuda] products are of f32 or bf16, found {}", name_of(type));
  }
}

Factor plain(ConstMatrix x) { return {x.data, type_of(x.dtype), x.rows, x.columns, x.stride, false}; }

Factor transposed(ConstMatrix x) {
  Factor factor = plain(x);
  factor.transposed = true;
  return factor;
}

Product product(const Factor& a, const Factor& b, Matrix y, float scale, bool add) {
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

/// A matrix in another type, for the work that is put on a stream during its life; itself if it is of that type.
class InType {
 public:
  InType(ConstMatrix x, DType type, cudaStream_t stream)
      : memory_(x.dtype == type ? 0 : static_cast<std::size_t>(x.rows * x.columns * size_of(type)), stream) {
    if (x.dtype == type) {
      matrix_ = x;
      return;
    }
    const Matrix copy{memory_.as<std::byte>(), type, x.rows, x.columns, x.columns, tensor::Place::device};
    convert(view_of(x), 1, view_of(copy), stream);
    matrix_ = copy;
  }
  ConstMatrix matrix() const { return matrix_; }

 private:
  Temporary memory_;
  ConstMatrix matrix_;
};

/// A part of a weight as numbers of the weight's type, for the work that is put on a stream during its life: itself, or
/// what a quantised one is expanded to.
class InPlain {
 public:
  InPlain(const StackedWeight& weight, const StackedWeight::Part& part, cudaStream_t stream)
      : memory_(weight.quantised() ? static_cast<std::size_t>(part.count * part.stored.columns * size_of(weight.type()))
                                   : 0,
                stream) {
    const std::int64_t K = weight.quantised() ? part.stored.columns : part.values.shape[1];
    if (!weight.quantised()) {
      matrix_ = {part.values.data, weight.type(), part.count, K, K, tensor::Place::device};
      return;
    }
    const Matrix expanded{memory_.as<std::byte>(), weight.type(), part.count, K, K, tensor::Place::device};
    expand(part.stored, expanded, stream);
    matrix_ = expanded;
  }
  ConstMatrix matrix() const { return matrix_; }

 private:
  Temporary memory_;
  ConstMatrix matrix_;
};

/// Rows as 8-bit floats, for the work that is put on a stream during its life: those that an operation has made of
/// them, or their own.
class InFp8 {
 public:
  InFp8(ConstMatrix x, const Fp8Rows& made, cudaStream_t stream)
      : values_(made.empty() ? static_cast<std::size_t>(x.rows * x.columns) : 0, stream),
        scales_(made.empty() ? float_bytes(x.rows) : 0, stream),
        rows_(made) {
    if (!made.empty()) return;
    rows_ = {{values_.as<std::byte>(), DType::u8, x.rows, x.columns, x.columns, tensor::Place::device},
             {scales_.as<std::byte>(), DType::f32, x.rows, 1, 1, tensor::Place::device}};
    quantize_fp8_rows(view_of(x), view_of(rows_), stream);
  }
  const Fp8Rows& rows() const { return rows_; }

 private:
  Temporary values_, scales_;
  Fp8Rows rows_;
};

}  // namespace

std::unique_ptr<DeviceWeight> CudaBackend::prepare(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) {
  return std::make_unique<StackedWeight>(parts, arithmetic, stream_);
}

void CudaBackend::matmul(ConstMatrix x, const DeviceWeight& device_weight, const float* bias, Matrix y, bool accumulate,
                         FineRows fine, const Fp8Rows& rounded) {
  const auto& weight = static_cast<const StackedWeight&>(device_weight);
  if (!weight.fp8() || fine.all) return matmul_plain(x, weight, bias, y, accumulate);
  const InFp8 coarse(x, rounded, stream_);
  if (fine.some.empty()) return matmul_fp8(coarse.rows(), weight, bias, y, accumulate);
  // The fine rows once more, beside the others: they take their places in the end.
  const auto F = static_cast<std::int64_t>(fine.some.size());
  const Uploaded<std::int64_t> rows(fine.some, stream_);
  const Temporary x_memory(static_cast<std::size_t>(F * x.columns * size_of(x.dtype)), stream_),
      y_memory(static_cast<std::size_t>(F * y.columns * size_of(y.dtype)), stream_);
  const Matrix x_FK{x_memory.as<std::byte>(), x.dtype, F, x.columns, x.columns, tensor::Place::device};
  const Matrix y_FN{y_memory.as<std::byte>(), y.dtype, F, y.columns, y.columns, tensor::Place::device};
  cuda::move_rows(view_of(x), rows.data(), nullptr, F, view_of(x_FK), false, stream_);
  if (accumulate) cuda::move_rows(view_of(y), rows.data(), nullptr, F, view_of(y_FN), false, stream_);
  matmul_plain(x_FK, weight, bias, y_FN, accumulate);
  matmul_fp8(coarse.rows(), weight, bias, y, accumulate);
  cuda::move_rows(view_of(y_FN), nullptr, rows.data(), F, view_of(y), false, stream_);
}

void CudaBackend::matmul_plain(ConstMatrix x, const StackedWeight& weight, const float* bias, Matrix y,
                               bool accumulate) {
  const bool rounded = y.dtype == DType::bf16;
  const void* biases = bias == nullptr || !rounded ? bias : weight.rounded_bias(bias);
  for (const StackedWeight::Part& part : weight.parts()) {
    const InPlain values(weight, part, stream_);
    Product step =
        product(plain(x), transposed(values.matrix()), y.column_range(part.begin, part.count), 1, accumulate);
    if (biases != nullptr) step.bias = static_cast<const std::byte*>(biases) + part.begin * size_of(y.dtype);
    gemm_->run(step);
  }
}

/// The library adds to f32 in few cases only: elsewhere the product goes through memory of its own.
void CudaBackend::matmul_fp8(const Fp8Rows& rounded, const StackedWeight& weight, const float* bias, Matrix y,
                             bool accumulate) {
  const Matrix x = rounded.values_MK;
  const Factor rows{x.data, CUDA_R_8F_E4M3, x.rows, x.columns, x.columns, false};
  const auto* biases = static_cast<const std::byte*>(bias == nullptr ? nullptr : weight.rounded_bias(bias));
  for (const StackedWeight::Part& part : weight.parts()) {
    const Factor values{part.bytes.data(), CUDA_R_8F_E4M3, part.count, x.columns, x.columns, true};
    const Matrix own = y.column_range(part.begin, part.count);
    Product step = product(rows, values, own, 1, accumulate);
    step.a_scales = view_of(rounded).scales;
    step.b_scales = part.scales.as<float>().data();
    if (biases != nullptr) step.bias = biases + part.begin * size_of(DType::bf16);
    if (gemm_->can_run(step)) {
      gemm_->run(step);
      continue;
    }
    const Temporary memory(static_cast<std::size_t>(x.rows * part.count) * 2, stream_);
    const Matrix apart{memory.as<std::byte>(), DType::bf16, x.rows, part.count, part.count, tensor::Place::device};
    step.y = apart.data, step.y_type = CUDA_R_16BF, step.y_stride = apart.stride, step.beta = 0;
    gemm_->run(step);
    if (accumulate) {
      cuda::add(view_of(apart), view_of(own), stream_);
    } else {
      cuda::convert(view_of(apart), 1, view_of(own), stream_);
    }
  }
}

void CudaBackend::matmul_backward(ConstMatrix dy, const DeviceWeight& device_weight, Matrix dx) {
  const auto& weight = static_cast<const StackedWeight&>(device_weight);
  const InType gradient(dy, weight.type(), stream_);
  for (const StackedWeight::Part& part : weight.parts()) {
    const InPlain values(weight, part, stream_);
    gemm_->run(
        product(plain(gradient.matrix().column_range(part.begin, part.count)), plain(values.matrix()), dx, 1, true));
  }
}

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

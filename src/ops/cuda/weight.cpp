#include "ops/cuda/weight.h"

#include <algorithm>

#include "ops/cuda/backend.h"
#include "ops/cuda/expand.h"
#include "ops/cuda/factors.h"
#include "ops/cuda/memory.h"
#include "ops/rows.h"

namespace e5v::ops::cuda {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;

namespace {

constexpr std::int64_t kFp8Multiple = 16;  // the library asks for it on both sides

/// A part of a weight as numbers of a type, for the work that is put on a stream while the object exists: the part
/// itself, or its expansion if it is quantised.
class InPlain {
 public:
  InPlain(const StackedWeight::Part& part, DType type, cudaStream_t stream)
      : memory_(part.quantised() ? static_cast<std::size_t>(part.count * part.stored.columns * size_of(type)) : 0,
                stream) {
    if (!part.quantised()) {
      const std::int64_t K = part.values.shape[1];
      matrix_ = {part.values.data, type, part.count, K, K, tensor::Place::device};
      return;
    }
    const std::int64_t K = part.stored.columns;
    const Matrix expanded{memory_.as<std::byte>(), type, part.count, K, K, tensor::Place::device};
    expand(part.stored, expanded, stream);
    matrix_ = expanded;
  }
  ConstMatrix matrix() const { return matrix_; }

 private:
  Temporary memory_;
  ConstMatrix matrix_;
};

/// Rows as 8-bit floats, for the work that is put on a stream while the object exists: those that an operation has
/// rounded, or its own.
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

StackedWeight::StackedWeight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic, Gemm& gemm,
                             cudaStream_t stream)
    : gemm_(gemm),
      stream_(stream),
      type_(arithmetic == Arithmetic::f32 ? DType::f32 : DType::bf16),
      format_(parts.front().format),
      columns_(parts.front().columns) {
  for (const tensor::StoredMatrix& part : parts) add(part);
  const auto fits = [&](const Part& part) { return part.count % kFp8Multiple == 0; };
  fp8_ = arithmetic == Arithmetic::fp8 && columns_ % kFp8Multiple == 0 && std::ranges::all_of(parts_, fits);
  if (!fp8_) return;
  for (Part& part : parts_) round_to_fp8(part);
}

void StackedWeight::round_to_fp8(Part& part) const {
  part.bytes = tensor::Tensor(DType::u8, {part.count, columns_}, tensor::Place::device);
  part.scales = tensor::Tensor(DType::f32, {part.count}, tensor::Place::device);
  const tensor::ConstMatrix plain{part.values.data, type_, part.count, columns_, columns_, tensor::Place::device};
  quantize_fp8_rows(view_of(plain), view_of(Fp8Rows{matrix_of(part.bytes), matrix_of(part.scales)}), stream_);
}

void StackedWeight::add(const tensor::StoredMatrix& part) {
  const std::int64_t begin = rows_;
  rows_ += part.rows;
  if (quantised()) {
    parts_.push_back({{}, part, begin, part.rows, {}, {}});
    return;
  }
  tensor::TensorView values = part.values;
  if (values.dtype != type_) {
    tensor::Tensor& copy = copies_.emplace_back(type_, values.shape, tensor::Place::device);
    ops::convert(matrix_of(values), matrix_of(copy));
    values = copy.view();
  }
  if (!parts_.empty()) {
    Part& last = parts_.back();
    if (last.values.data + last.count * columns_ * size_of(type_) == values.data) {
      last.count += part.rows;
      return;
    }
  }
  parts_.push_back({values, {}, begin, part.rows, {}, {}});
}

std::string StackedWeight::kernel() const {
  const std::string text = fmt::format("cuBLASLt {}", fp8_ ? "fp8" : name_of(type_));
  return quantised() ? fmt::format("{} over expanded {}", text, name_of(format_)) : text;
}

const void* StackedWeight::rounded_bias(const float* bias) const {
  if (bias_.elements() != rows_ || bias_.data() == nullptr) {
    bias_ = tensor::Tensor(DType::bf16, {1, rows_}, tensor::Place::device);
    const tensor::ConstMatrix wide{
        reinterpret_cast<const std::byte*>(bias), DType::f32, 1, rows_, rows_, tensor::Place::device};
    ops::convert(wide, matrix_of(bias_));
  }
  return bias_.data();
}

void StackedWeight::multiply(const WeightProduct& wanted) const {
  if (!fp8_ || wanted.fine.all) return multiply_plain(wanted.x_MK, wanted.bias, wanted.y_MN, wanted.accumulate);
  const ConstMatrix x = wanted.x_MK;
  const Matrix y = wanted.y_MN;
  const InFp8 coarse(x, wanted.rounded, stream_);
  if (wanted.fine.some.empty()) return multiply_fp8(coarse.rows(), wanted.bias, y, wanted.accumulate);
  // The fine rows are computed again, separately, and finally replace the others.
  const auto F = static_cast<std::int64_t>(wanted.fine.some.size());
  const Uploaded<std::int64_t> rows(wanted.fine.some, stream_);
  const Temporary x_memory(static_cast<std::size_t>(F * x.columns * size_of(x.dtype)), stream_),
      y_memory(static_cast<std::size_t>(F * y.columns * size_of(y.dtype)), stream_);
  const Matrix x_FK{x_memory.as<std::byte>(), x.dtype, F, x.columns, x.columns, tensor::Place::device};
  const Matrix y_FN{y_memory.as<std::byte>(), y.dtype, F, y.columns, y.columns, tensor::Place::device};
  cuda::move_rows(view_of(x), rows.data(), nullptr, F, view_of(x_FK), false, stream_);
  if (wanted.accumulate) cuda::move_rows(view_of(y), rows.data(), nullptr, F, view_of(y_FN), false, stream_);
  multiply_plain(x_FK, wanted.bias, y_FN, wanted.accumulate);
  multiply_fp8(coarse.rows(), wanted.bias, y, wanted.accumulate);
  cuda::move_rows(view_of(y_FN), nullptr, rows.data(), F, view_of(y), false, stream_);
}

void StackedWeight::multiply_plain(ConstMatrix x, const float* bias, Matrix y, bool accumulate) const {
  const bool rounded = y.dtype == DType::bf16;
  const void* biases = bias == nullptr || !rounded ? bias : rounded_bias(bias);
  for (const Part& part : parts_) {
    const InPlain values(part, type_, stream_);
    Product step =
        product(plain(x), transposed(values.matrix()), y.column_range(part.begin, part.count), 1, accumulate);
    if (biases != nullptr) step.bias = static_cast<const std::byte*>(biases) + part.begin * size_of(y.dtype);
    gemm_.run(step);
  }
}

/// The library adds to f32 only in few cases. Otherwise the product goes through separate memory.
void StackedWeight::multiply_fp8(const Fp8Rows& rounded, const float* bias, Matrix y, bool accumulate) const {
  const Matrix x = rounded.values_MK;
  const Factor rows{x.data, CUDA_R_8F_E4M3, x.rows, x.columns, x.columns, false};
  const auto* biases = static_cast<const std::byte*>(bias == nullptr ? nullptr : rounded_bias(bias));
  for (const Part& part : parts_) {
    const Factor values{part.bytes.data(), CUDA_R_8F_E4M3, part.count, x.columns, x.columns, true};
    const Matrix own = y.column_range(part.begin, part.count);
    Product step = product(rows, values, own, 1, accumulate);
    step.a_scales = view_of(rounded).scales;
    step.b_scales = part.scales.as<float>().data();
    if (biases != nullptr) step.bias = biases + part.begin * size_of(DType::bf16);
    if (gemm_.can_run(step)) {
      gemm_.run(step);
      continue;
    }
    const Temporary memory(static_cast<std::size_t>(x.rows * part.count) * 2, stream_);
    const Matrix apart{memory.as<std::byte>(), DType::bf16, x.rows, part.count, part.count, tensor::Place::device};
    step.y = apart.data, step.y_type = CUDA_R_16BF, step.y_stride = apart.stride, step.beta = 0;
    gemm_.run(step);
    if (accumulate) {
      cuda::add(view_of(apart), view_of(own), stream_);
    } else {
      cuda::convert(view_of(apart), 1, view_of(own), stream_);
    }
  }
}

void StackedWeight::multiply_backward(ConstMatrix dy, Matrix dx) const {
  const InType gradient(dy, type_, stream_);
  for (const Part& part : parts_) {
    const InPlain values(part, type_, stream_);
    gemm_.run(
        product(plain(gradient.matrix().column_range(part.begin, part.count)), plain(values.matrix()), dx, 1, true));
  }
}

std::unique_ptr<WeightForm> CudaBackend::prepare(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic) {
  return std::make_unique<StackedWeight>(parts, arithmetic, *gemm_, stream_);
}

}  // namespace e5v::ops::cuda

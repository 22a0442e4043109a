#include "ops/cuda/weight.h"

#include <algorithm>

#include "ops/cuda/backend.h"
#include "ops/rows.h"

namespace e5v::ops::cuda {
namespace {

constexpr std::int64_t kFp8Multiple = 16;  // of both sides, which the library asks for

}  // namespace

using tensor::DType;

StackedWeight::StackedWeight(std::span<const tensor::StoredMatrix> parts, Arithmetic arithmetic, cudaStream_t stream)
    : type_(arithmetic == Arithmetic::f32 ? DType::f32 : DType::bf16),
      format_(parts.front().format),
      columns_(parts.front().columns) {
  for (const tensor::StoredMatrix& part : parts) add(part);
  const auto fits = [&](const Part& part) { return part.count % kFp8Multiple == 0; };
  fp8_ = arithmetic == Arithmetic::fp8 && columns_ % kFp8Multiple == 0 && std::ranges::all_of(parts_, fits);
  if (!fp8_) return;
  for (Part& part : parts_) round_to_fp8(part, stream);
}

void StackedWeight::round_to_fp8(Part& part, cudaStream_t stream) const {
  part.bytes = tensor::Tensor(DType::u8, {part.count, columns_}, tensor::Place::device);
  part.scales = tensor::Tensor(DType::f32, {part.count}, tensor::Place::device);
  const tensor::ConstMatrix plain{part.values.data, type_, part.count, columns_, columns_, tensor::Place::device};
  quantize_fp8_rows(view_of(plain), view_of(Fp8Rows{matrix_of(part.bytes), matrix_of(part.scales)}), stream);
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

std::int64_t StackedWeight::owned_bytes() const {
  std::int64_t bytes = 0;
  for (const tensor::Tensor& copy : copies_) bytes += copy.elements() * size_of(copy.dtype());
  for (const Part& part : parts_) {
    if (fp8_) bytes += part.count * (columns_ + static_cast<std::int64_t>(sizeof(float)));
  }
  return bytes;
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

}  // namespace e5v::ops::cuda

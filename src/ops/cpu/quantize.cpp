#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/quantize.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include "ops/cpu/expand-inl.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/quantize-inl.h"
#include "ops/cpu/rows.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

float quantize_row_as(const float* x, std::size_t count, float levels, tensor::DType type, void* q) {
  if (type == tensor::DType::i8) return quantize_row(x, count, levels, static_cast<std::int8_t*>(q));
  return quantize_row(x, count, levels, static_cast<std::int16_t*>(q));
}

void expand_row(const tensor::StoredMatrix& weight, std::int64_t row, tensor::DType type, void* y) {
  if (type == tensor::DType::f32) return expand(weight, row, 0, weight.columns, static_cast<float*>(y));
  expand(weight, row, 0, weight.columns, static_cast<tensor::BFloat16*>(y));
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(quantize_row_as);
HWY_EXPORT(expand_row);

void quantize_rows(tensor::ConstMatrix x, tensor::Matrix q, float* scales, int levels) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    scales[row] = HWY_DYNAMIC_DISPATCH(quantize_row_as)(x.row<float>(row), static_cast<std::size_t>(x.columns),
                                                        static_cast<float>(levels), q.dtype, q.row_range(row, 1).data);
  });
}

void expand_rows(const tensor::StoredMatrix& weight, std::int64_t begin, tensor::Matrix y) {
  if (weight.format == tensor::WeightFormat::plain) {
    return convert(matrix_of(weight.values).row_range(begin, y.rows), 1, y);
  }
  for_rows(y.rows, y.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(expand_row)(weight, begin + row, y.dtype, y.row_range(row, 1).data);
  });
}

}  // namespace e5v::ops::cpu
#endif

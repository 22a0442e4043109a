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
  if (type == tensor::DType::u8) return quantize_row(x, count, levels, static_cast<std::uint8_t*>(q));
  if (type == tensor::DType::i8) return quantize_row(x, count, levels, static_cast<std::int8_t*>(q));
  return quantize_row(x, count, levels, static_cast<std::int16_t*>(q));
}

void expand_part(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin, std::int64_t count,
                 tensor::DType type, void* y) {
  if (type == tensor::DType::f32) return expand(weight, row, begin, count, static_cast<float*>(y));
  expand(weight, row, begin, count, static_cast<tensor::BFloat16*>(y));
}

std::int32_t row_sum(const std::int8_t* w, std::size_t count) {
  const hn::RebindToSigned<FloatTag> word;
  const hn::Rebind<std::int8_t, FloatTag> byte;
  const std::size_t lanes = hn::Lanes(word);
  auto sum = hn::Zero(word);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::Add(sum, hn::PromoteTo(word, hn::LoadU(byte, w + i)));
  std::int32_t result = hn::GetLane(hn::SumOfLanes(word, sum));
  for (; i < count; ++i) result += w[i];
  return result;
}

template <bool kAdd>
void scale_row(const std::int32_t* sums, const SumScales& scales, std::int64_t row, std::size_t count, float* y) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> word;
  const auto zero = hn::Set(word, scales.zero);
  const auto row_scale = hn::Set(d, scales.rows[row]);
  const auto number = [&](auto sum, auto zero_sum, auto column, auto bias) HWY_ATTR {
    const auto exact = hn::ConvertTo(d, hn::Sub(sum, hn::Mul(zero_sum, zero)));
    return hn::MulAdd(hn::Mul(exact, row_scale), column, bias);
  };
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bias = scales.bias == nullptr ? hn::Zero(d) : load(scales.bias + i);
    const auto value = number(hn::LoadU(word, sums + i), hn::LoadU(word, scales.zero_sums + i),
                              load(scales.columns + i), bias);
    store(kAdd ? hn::Add(load(y + i), value) : value, y + i);
  }
  for (; i < count; ++i) {
    const auto exact = static_cast<float>(sums[i] - scales.zero * scales.zero_sums[i]);
    const float value = exact * scales.rows[row] * scales.columns[i] + (scales.bias == nullptr ? 0 : scales.bias[i]);
    y[i] = kAdd ? y[i] + value : value;
  }
}

void scale_row_of(const std::int32_t* sums, const SumScales& scales, std::int64_t row, std::size_t count, float* y,
                  bool add) {
  if (add) return scale_row<true>(sums, scales, row, count, y);
  scale_row<false>(sums, scales, row, count, y);
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(quantize_row_as);
HWY_EXPORT(expand_part);
HWY_EXPORT(row_sum);
HWY_EXPORT(scale_row_of);

void quantize_rows(tensor::ConstMatrix x, tensor::Matrix q, float* scales, int levels) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    scales[row] = HWY_DYNAMIC_DISPATCH(quantize_row_as)(x.row<float>(row), static_cast<std::size_t>(x.columns),
                                                        static_cast<float>(levels), q.dtype, q.row_range(row, 1).data);
  });
}

void row_sums(tensor::ConstMatrix w, std::int32_t* sums) {
  for_rows(w.rows, w.columns, [&](std::int64_t row) {
    sums[row] = HWY_DYNAMIC_DISPATCH(row_sum)(w.row<std::int8_t>(row), static_cast<std::size_t>(w.columns));
  });
}

void scale_sums(tensor::ConstMatrix sums, const SumScales& scales, tensor::Matrix y, bool add) {
  for_rows(y.rows, y.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(scale_row_of)
    (sums.row<std::int32_t>(row), scales, row, static_cast<std::size_t>(y.columns), y.row<float>(row), add);
  });
}

void expand_rows(const tensor::StoredMatrix& weight, std::int64_t begin, tensor::Matrix y) {
  if (weight.format == tensor::WeightFormat::plain) {
    return convert(matrix_of(weight.values).row_range(begin, y.rows), y);
  }
  for_rows(y.rows, y.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(expand_part)(weight, begin + row, 0, weight.columns, y.dtype, y.row_range(row, 1).data);
  });
}

void expand_columns(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin, tensor::Matrix y) {
  HWY_DYNAMIC_DISPATCH(expand_part)(weight, row, begin, y.columns, y.dtype, y.data);
}

}  // namespace e5v::ops::cpu
#endif

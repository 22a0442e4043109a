#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/quantize.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <cmath>
#include <vector>

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

void expand_part(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin, std::int64_t count,
                 tensor::DType type, void* y) {
  if (type == tensor::DType::f32) return expand(weight, row, begin, count, static_cast<float*>(y));
  if (type == tensor::DType::i8) return expand_bytes(weight, row, begin, count, static_cast<std::int8_t*>(y));
  expand(weight, row, begin, count, static_cast<tensor::BFloat16*>(y));
}

/// q[i] = f(i, lanes from i on) as bytes, saturated.
template <class F>
HWY_INLINE void store_bytes(std::size_t count, const F& f, std::uint8_t* q) {
  const hn::Rebind<std::uint8_t, FloatTag> byte;
  const std::size_t lanes = hn::Lanes(FloatTag());
  for (std::size_t i = 0; i < count; i += lanes) {
    const std::size_t here = HWY_MIN(lanes, count - i);
    const auto bytes = hn::DemoteTo(byte, f(i, here));
    if (here == lanes) {
      hn::StoreU(bytes, byte, q + i);
    } else {
      HWY_ALIGN std::uint8_t padded[hn::MaxLanes(FloatTag())];
      hn::StoreU(bytes, byte, padded);
      std::memcpy(q + i, padded, here);
    }
  }
}

HWY_INLINE FloatVector load_part(const float* x, std::size_t count) {
  return count == hn::Lanes(FloatTag()) ? load(x) : load_some(x, count);
}

/// q = round(x / scale) + zero, from 0 for the smallest number of the row to 255 for the largest.
ByteScale byte_row(const float* x, std::size_t count, std::uint8_t* q) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  auto low = hn::Zero(d), high = hn::Zero(d), poison = hn::Zero(d);
  for (std::size_t i = 0; i < count; i += lanes) {
    const auto v = load_part(x + i, HWY_MIN(lanes, count - i));
    low = hn::Min(low, v);
    high = hn::Max(high, v);
    poison = hn::MulAdd(v, hn::Zero(d), poison);  // NaN, when a number is not finite
  }
  const float smallest = hn::GetLane(hn::MinOfLanes(d, low)), largest = hn::GetLane(hn::MaxOfLanes(d, high));
  const float scale = (largest - smallest) / 255.0f + hn::GetLane(hn::SumOfLanes(d, poison));
  const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
  const auto zero = static_cast<std::int32_t>(std::nearbyint(-smallest * inverse));
  const auto factor = hn::Set(d, inverse);
  const auto shift = hn::Set(hn::RebindToSigned<FloatTag>(), zero);
  store_bytes(
      count,
      [=](std::size_t i, std::size_t here)
          HWY_ATTR { return hn::Add(hn::NearestInt(hn::Mul(load_part(x + i, here), factor)), shift); },
      q);
  return {scale, zero};
}

/// The rounding error of x as bytes. It lies within half a scale.
ByteScale remainder_row(const float* x, std::size_t count, const std::uint8_t* rounded, ByteScale of, std::uint8_t* q) {
  constexpr std::int32_t kZero = 128;
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> word;
  const hn::Rebind<std::uint8_t, FloatTag> byte;
  const float scale = of.scale / 254.0f;
  const auto step = hn::Set(d, of.scale), factor = hn::Set(d, scale > 0 ? 1.0f / scale : 0.0f);
  const auto zero = hn::Set(word, of.zero), shift = hn::Set(word, kZero);
  const std::size_t lanes = hn::Lanes(d);
  store_bytes(
      count,
      [=](std::size_t i, std::size_t here) HWY_ATTR {
        HWY_ALIGN std::uint8_t padded[hn::MaxLanes(FloatTag())] = {};
        std::memcpy(padded, rounded + i, HWY_MIN(here, lanes));
        const auto whole = hn::Sub(hn::PromoteTo(word, hn::LoadU(byte, padded)), zero);
        const auto left = hn::NegMulAdd(hn::ConvertTo(d, whole), step, load_part(x + i, here));
        return hn::Add(hn::NearestInt(hn::Mul(left, factor)), shift);
      },
      q);
  return {scale, kZero};
}

/// The square of the length of x - scale rounded.
float lost_square_of_words(const float* x, std::size_t count, const std::int16_t* rounded, float scale) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> word;
  const hn::Rebind<std::int16_t, FloatTag> half;
  const auto step = hn::Set(d, scale);
  const std::size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < count; i += lanes) {
    const std::size_t here = HWY_MIN(lanes, count - i);
    HWY_ALIGN std::int16_t padded[hn::MaxLanes(FloatTag())] = {};
    std::memcpy(padded, rounded + i, here * sizeof *padded);
    const auto whole = hn::ConvertTo(d, hn::PromoteTo(word, hn::LoadU(half, padded)));
    const auto left = hn::NegMulAdd(whole, step, load_part(x + i, here));
    sum = hn::MulAdd(left, left, sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// The square of the length of x's rounding error.
float lost_square(const float* x, std::size_t count, const std::uint8_t* rounded, ByteScale of) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> word;
  const hn::Rebind<std::uint8_t, FloatTag> byte;
  const auto step = hn::Set(d, of.scale);
  const auto zero = hn::Set(word, of.zero);
  const std::size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < count; i += lanes) {
    const std::size_t here = HWY_MIN(lanes, count - i);
    HWY_ALIGN std::uint8_t padded[hn::MaxLanes(FloatTag())];
    std::memset(padded, of.zero, sizeof padded);  // has the value 0
    std::memcpy(padded, rounded + i, here);
    const auto whole = hn::Sub(hn::PromoteTo(word, hn::LoadU(byte, padded)), zero);
    const auto left = hn::NegMulAdd(hn::ConvertTo(d, whole), step, load_part(x + i, here));
    sum = hn::MulAdd(left, left, sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <bool kAdd>
void scale_row(const std::int32_t* sums, const SumScales& scales, ByteScale row, std::size_t count, float* y) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> word;
  const auto zero = hn::Set(word, row.zero);
  const auto row_scale = hn::Set(d, row.scale);
  const auto number = [&](auto sum, auto zero_sum, auto column, auto bias) HWY_ATTR {
    const auto exact = hn::ConvertTo(d, hn::Sub(sum, hn::Mul(zero_sum, zero)));
    return hn::MulAdd(hn::Mul(exact, row_scale), column, bias);
  };
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bias = scales.bias == nullptr ? hn::Zero(d) : load(scales.bias + i);
    const auto value =
        number(hn::LoadU(word, sums + i), hn::LoadU(word, scales.zero_sums + i), load(scales.columns + i), bias);
    store(kAdd ? hn::Add(load(y + i), value) : value, y + i);
  }
  for (; i < count; ++i) {
    const auto exact = static_cast<float>(sums[i] - row.zero * scales.zero_sums[i]);
    const float value = exact * row.scale * scales.columns[i] + (scales.bias == nullptr ? 0 : scales.bias[i]);
    y[i] = kAdd ? y[i] + value : value;
  }
}

void scale_row_of(const std::int32_t* sums, const SumScales& scales, ByteScale row, std::size_t count, float* y,
                  bool add) {
  if (add) return scale_row<true>(sums, scales, row, count, y);
  scale_row<false>(sums, scales, row, count, y);
}

float byte_scale_of(const tensor::StoredMatrix& weight, std::int64_t row) { return byte_scale(weight, row); }

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(quantize_row_as);
HWY_EXPORT(expand_part);
HWY_EXPORT(byte_scale_of);
HWY_EXPORT(byte_row);
HWY_EXPORT(remainder_row);
HWY_EXPORT(lost_square);
HWY_EXPORT(lost_square_of_words);
HWY_EXPORT(scale_row_of);

void quantize_rows(tensor::ConstMatrix x, tensor::Matrix q, float* scales, int levels) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    scales[row] = HWY_DYNAMIC_DISPATCH(quantize_row_as)(x.row<float>(row), static_cast<std::size_t>(x.columns),
                                                        static_cast<float>(levels), q.dtype, q.row_range(row, 1).data);
  });
}

void quantize_bytes(tensor::ConstMatrix x, FineRows fine, tensor::Matrix q, ByteScale* scales) {
  const auto width = static_cast<std::size_t>(x.columns);
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    scales[row] = HWY_DYNAMIC_DISPATCH(byte_row)(x.row<float>(row), width, q.row<std::uint8_t>(row));
  });
  for_rows(fine.count(x.rows), x.columns, [&](std::int64_t index) {
    const std::int64_t row = fine.all ? index : fine.some[static_cast<std::size_t>(index)], to = x.rows + index;
    scales[to] = HWY_DYNAMIC_DISPATCH(remainder_row)(x.row<float>(row), width, q.row<std::uint8_t>(row), scales[row],
                                                     q.row<std::uint8_t>(to));
  });
}

namespace {

/// A factor that makes a length summed in f32 an upper bound. Its square is a sum of rounded numbers, none of them
/// negative, so that their rounding is a share of it.
float length_margin(std::int64_t width) { return 1 + 1e-6f * static_cast<float>(width + 16); }

}  // namespace

void byte_rounding(tensor::ConstMatrix x, float* lost) {
  const auto width = static_cast<std::size_t>(x.columns);
  const float margin = length_margin(x.columns);
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    thread_local std::vector<std::uint8_t> bytes;
    bytes.resize(width);
    const ByteScale scale = HWY_DYNAMIC_DISPATCH(byte_row)(x.row<float>(row), width, bytes.data());
    lost[row] = margin * std::sqrt(HWY_DYNAMIC_DISPATCH(lost_square)(x.row<float>(row), width, bytes.data(), scale));
  });
}

void word_rounding(tensor::ConstMatrix x, int levels, float* lost) {
  const auto width = static_cast<std::size_t>(x.columns);
  const float margin = length_margin(x.columns);
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    thread_local std::vector<std::int16_t> words;
    words.resize(width);
    const float* from = x.row<float>(row);
    const float scale = HWY_DYNAMIC_DISPATCH(quantize_row_as)(from, width, static_cast<float>(levels),
                                                              tensor::DType::i16, words.data());
    lost[row] = margin * std::sqrt(HWY_DYNAMIC_DISPATCH(lost_square_of_words)(from, width, words.data(), scale));
  });
}

void scale_sums(tensor::ConstMatrix sums, const ByteScale* rows, const SumScales& scales,
                std::span<const std::int64_t> to, tensor::Matrix y, bool add) {
  for_rows(sums.rows, sums.columns, [&](std::int64_t row) {
    float* target = y.row<float>(to.empty() ? row : to[static_cast<std::size_t>(row)]);
    HWY_DYNAMIC_DISPATCH(scale_row_of)
    (sums.row<std::int32_t>(row), scales, rows[row], static_cast<std::size_t>(y.columns), target, add);
  });
}

void expand_rows(const tensor::StoredMatrix& weight, std::int64_t begin, tensor::Matrix y) {
  if (weight.format == tensor::WeightFormat::plain) {
    return convert(matrix_of(weight.values).row_range(begin, y.rows), 1, y);
  }
  for_rows(y.rows, y.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(expand_part)(weight, begin + row, 0, weight.columns, y.dtype, y.row_range(row, 1).data);
  });
}

float byte_scale(const tensor::StoredMatrix& weight, std::int64_t row) {
  return HWY_DYNAMIC_DISPATCH(byte_scale_of)(weight, row);
}

void expand_columns(const tensor::StoredMatrix& weight, std::int64_t row, std::int64_t begin, tensor::Matrix y) {
  HWY_DYNAMIC_DISPATCH(expand_part)(weight, row, begin, y.columns, y.dtype, y.data);
}

}  // namespace e5v::ops::cpu
#endif

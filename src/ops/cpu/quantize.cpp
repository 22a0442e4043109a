#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/quantize.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

using IntTag = hn::RebindToSigned<FloatTag>;

/// max|x|, or NaN when one of them is not finite.
float largest_magnitude(const float* x, std::size_t count) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  auto best = hn::Zero(d), poison = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = load(x + i);
    best = hn::Max(best, hn::Abs(v));
    poison = hn::MulAdd(v, hn::Zero(d), poison);
  }
  if (i < count) {
    const auto v = load_some(x + i, count - i);
    best = hn::Max(best, hn::Abs(v));
    poison = hn::MulAdd(v, hn::Zero(d), poison);
  }
  return hn::GetLane(hn::MaxOfLanes(d, best)) + hn::GetLane(hn::SumOfLanes(d, poison));
}

template <class To>
float quantize_row_to(const float* x, std::size_t count, float levels, To* q) {
  const FloatTag d;
  const hn::Rebind<To, FloatTag> narrow;
  const std::size_t lanes = hn::Lanes(d);
  const float largest = largest_magnitude(x, count), scale = largest / levels;
  const auto factor = hn::Set(d, largest > 0 ? levels / largest : 0.0f);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::DemoteTo(narrow, hn::NearestInt(hn::Mul(load(x + i), factor))), narrow, q + i);
  }
  if (i < count) {
    HWY_ALIGN To padded[hn::MaxLanes(FloatTag())];
    const auto last = hn::NearestInt(hn::Mul(load_some(x + i, count - i), factor));
    hn::StoreU(hn::DemoteTo(narrow, last), narrow, padded);
    std::memcpy(q + i, padded, (count - i) * sizeof(To));
  }
  return scale;
}

float quantize_row(const float* x, std::size_t count, float levels, tensor::DType type, void* q) {
  if (type == tensor::DType::i8) return quantize_row_to(x, count, levels, static_cast<std::int8_t*>(q));
  return quantize_row_to(x, count, levels, static_cast<std::int16_t*>(q));
}

template <class To>
void expand_int8(const std::int8_t* values, float scale, std::size_t count, To* y) {
  const IntTag word;
  const hn::Rebind<std::int8_t, FloatTag> byte;
  const auto factor = hn::Set(FloatTag(), scale);
  const std::size_t lanes = hn::Lanes(FloatTag());
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    store(hn::Mul(hn::ConvertTo(FloatTag(), hn::PromoteTo(word, hn::LoadU(byte, values + i))), factor), y + i);
  }
  for (; i < count; ++i) y[i] = To(static_cast<float>(values[i]) * scale);
}

/// count is a multiple of 8. A word holds eight values: its copies, shifted by 0, 4, ..., 28 bits, are the lanes of one
/// vector (or of two, where vectors have four lanes).
void expand_int4(const std::int32_t* words, float scale, std::size_t count, float* y) {
  const hn::CappedTag<float, 8> d;
  const hn::RebindToSigned<decltype(d)> word;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const std::size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, scale);
  for (std::size_t i = 0; i < count; ++words) {
    const auto copies = hn::Set(bits, static_cast<std::uint32_t>(*words));
    for (std::uint32_t first = 0; first < 8; first += static_cast<std::uint32_t>(lanes), i += lanes) {
      const auto nibbles = hn::And(hn::Shr(copies, hn::ShiftLeft<2>(hn::Iota(bits, first))), hn::Set(bits, 15u));
      const auto numbers = hn::Sub(hn::BitCast(word, nibbles), hn::Set(word, 8));
      hn::StoreU(hn::Mul(hn::ConvertTo(d, numbers), factor), d, y + i);
    }
  }
}

void expand_int4(const std::int32_t* words, float scale, std::size_t count, tensor::BFloat16* y) {
  constexpr std::size_t kAtOnce = 64;
  HWY_ALIGN float wide[kAtOnce];
  for (std::size_t i = 0; i < count; i += kAtOnce) {
    const std::size_t part = HWY_MIN(kAtOnce, count - i);
    expand_int4(words + i / 8, scale, part, wide);
    transform(
        part, y + i, [](auto v) HWY_ATTR { return v; }, wide);
  }
}

float scale_at(const tensor::TensorView& scales, std::int64_t index) {
  switch (scales.dtype) {
    case tensor::DType::f16: return static_cast<float>(reinterpret_cast<const tensor::Half*>(scales.data)[index]);
    case tensor::DType::bf16: return static_cast<float>(reinterpret_cast<const tensor::BFloat16*>(scales.data)[index]);
    default: return reinterpret_cast<const float*>(scales.data)[index];
  }
}

template <class To>
void expand_row_to(const tensor::StoredMatrix& weight, std::int64_t row, To* y) {
  if (weight.format == tensor::WeightFormat::int8) {
    const auto* values = reinterpret_cast<const std::int8_t*>(weight.values.data) + row * weight.columns;
    return expand_int8(values, scale_at(weight.scales, row), static_cast<std::size_t>(weight.columns), y);
  }
  const std::int64_t group = weight.group(), groups = weight.scales.shape[1];
  const auto* words = reinterpret_cast<const std::int32_t*>(weight.values.data) + row * weight.values.shape[1];
  for (std::int64_t g = 0; g < groups; ++g) {
    expand_int4(words + g * group / 8, scale_at(weight.scales, row * groups + g), static_cast<std::size_t>(group),
                y + g * group);
  }
}

void expand_row(const tensor::StoredMatrix& weight, std::int64_t row, tensor::DType type, void* y) {
  if (type == tensor::DType::f32) return expand_row_to(weight, row, static_cast<float*>(y));
  expand_row_to(weight, row, static_cast<tensor::BFloat16*>(y));
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(quantize_row);
HWY_EXPORT(expand_row);

void quantize_rows(tensor::ConstMatrix x, tensor::Matrix q, float* scales, int levels) {
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    scales[row] = HWY_DYNAMIC_DISPATCH(quantize_row)(x.row<float>(row), static_cast<std::size_t>(x.columns),
                                                     static_cast<float>(levels), q.dtype, q.row_range(row, 1).data);
  });
}

void expand_rows(const tensor::StoredMatrix& weight, std::int64_t begin, tensor::Matrix y) {
  if (weight.format == tensor::WeightFormat::plain) {
    return convert(matrix_of(weight.values).row_range(begin, y.rows), y);
  }
  for_rows(y.rows, y.columns, [&](std::int64_t row) {
    HWY_DYNAMIC_DISPATCH(expand_row)(weight, begin + row, y.dtype, y.row_range(row, 1).data);
  });
}

}  // namespace e5v::ops::cpu
#endif

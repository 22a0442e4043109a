// Rounds a row of activations to whole numbers. Included once per instruction set, between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE of the including file.
#if defined(E5V_OPS_CPU_QUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef E5V_OPS_CPU_QUANTIZE_INL_H_
#undef E5V_OPS_CPU_QUANTIZE_INL_H_
#else
#define E5V_OPS_CPU_QUANTIZE_INL_H_
#endif

#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

/// max|x|, or NaN when one of them is not finite.
HWY_INLINE float largest_magnitude(const float* x, std::size_t count) {
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

/// q = round(x levels / max|x|), ties to even. Returns max|x| / levels.
template <class To>
float quantize_row(const float* x, std::size_t count, float levels, To* q) {
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

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

// Loads and stores runs of f32, f16 and bf16 as vectors of f32. Included once per instruction set, between
// HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE of the including file.
#if defined(E5V_OPS_CPU_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef E5V_OPS_CPU_VECTOR_INL_H_
#undef E5V_OPS_CPU_VECTOR_INL_H_
#else
#define E5V_OPS_CPU_VECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "tensor/half.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;

HWY_INLINE FloatVector load(const float* from) { return hn::LoadU(FloatTag(), from); }

HWY_INLINE FloatVector load(const tensor::BFloat16* from) {
  const hn::Rebind<std::uint16_t, FloatTag> half;
  const hn::Rebind<std::uint32_t, FloatTag> word;
  const auto bits = hn::PromoteTo(word, hn::LoadU(half, reinterpret_cast<const std::uint16_t*>(from)));
  return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(bits));
}

HWY_INLINE FloatVector load(const tensor::Half* from) {
  const hn::Rebind<hwy::float16_t, FloatTag> half;
  return hn::PromoteTo(FloatTag(), hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(from)));
}

HWY_INLINE void store(FloatVector value, float* to) { hn::StoreU(value, FloatTag(), to); }

HWY_INLINE void store(FloatVector value, tensor::BFloat16* to) {
  const hn::Rebind<std::uint16_t, FloatTag> half;
  const hn::Rebind<std::int32_t, FloatTag> word;
  const hn::RebindToUnsigned<decltype(word)> bits;
  const auto raw = hn::BitCast(bits, value);
  // Round to nearest, ties to even, as tensor::BFloat16 does; NaN becomes the quiet NaN.
  const auto odd = hn::And(hn::ShiftRight<16>(raw), hn::Set(bits, 1u));
  const auto rounded = hn::Add(raw, hn::Add(odd, hn::Set(bits, 0x7FFFu)));
  const auto nan = hn::RebindMask(bits, hn::IsNaN(value));
  const auto top = hn::ShiftRight<16>(hn::IfThenElse(nan, hn::Set(bits, 0x7FC00000u), rounded));
  hn::StoreU(hn::DemoteTo(half, hn::BitCast(word, top)), half, reinterpret_cast<std::uint16_t*>(to));
}

/// The first `count` elements; the others are zero.
template <class T>
HWY_INLINE FloatVector load_some(const T* from, std::size_t count) {
  HWY_ALIGN T padded[hn::MaxLanes(FloatTag())] = {};
  std::memcpy(padded, from, count * sizeof(T));
  return load(padded);
}

template <class T>
HWY_INLINE void store_some(FloatVector value, T* to, std::size_t count) {
  HWY_ALIGN T padded[hn::MaxLanes(FloatTag())];
  store(value, padded);
  std::memcpy(to, padded, count * sizeof(T));
}

/// to[i] = f(from[i]...) for i in [0, count). f takes and returns vectors of f32.
template <class F, class To, class... From>
HWY_INLINE void transform(std::size_t count, To* to, const F& f, const From*... from) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) store(f(load(from + i)...), to + i);
  if (i < count) store_some(f(load_some(from + i, count - i)...), to + i, count - i);
}

/// The sum of f(from[i]...) for i in [0, count). Results of f for the padding are not counted.
template <class F, class... From>
HWY_INLINE float sum_of(std::size_t count, const F& f, const From*... from) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    a = hn::Add(a, f(load(from + i)...));
    b = hn::Add(b, f(load(from + i + lanes)...));
  }
  for (; i < count; i += lanes) {
    const std::size_t left = HWY_MIN(lanes, count - i);
    a = hn::Add(a, hn::IfThenElseZero(hn::FirstN(d, left), f(load_some(from + i, left)...)));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

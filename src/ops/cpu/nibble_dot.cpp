#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/nibble_dot.cpp"
#include "ops/cpu/nibble_dot.h"

#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

std::int32_t nibble_dot_row(const std::int16_t* x, const std::byte* row, std::size_t groups) {
  constexpr std::size_t kWords = 32;    // of a group, each with four numbers
  constexpr std::size_t kAhead = 8192;  // bytes; rows are read one after the other
  const hn::CappedTag<std::int16_t, kWords> d;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const hn::RepartitionToWide<decltype(d)> wide;
  const auto mask = hn::Set(bits, 15);
  auto sum0 = hn::Zero(wide), sum1 = hn::Zero(wide), sum2 = hn::Zero(wide), sum3 = hn::Zero(wide);
  auto odd0 = hn::Zero(wide), odd1 = hn::Zero(wide), odd2 = hn::Zero(wide), odd3 = hn::Zero(wide);
  const auto* words = reinterpret_cast<const std::uint16_t*>(row);
  for (std::size_t group = 0; group < groups; ++group, x += 4 * kWords, words += kWords) {
    hwy::Prefetch(reinterpret_cast<const std::byte*>(words) + kAhead);
    for (std::size_t j = 0; j < kWords; j += hn::Lanes(d)) {
      const auto four = hn::LoadU(bits, words + j);
      const auto part = [&](auto numbers) { return hn::BitCast(d, numbers); };
      sum0 = hn::ReorderWidenMulAccumulate(wide, part(hn::And(four, mask)), hn::LoadU(d, x + j), sum0, odd0);
      sum1 = hn::ReorderWidenMulAccumulate(wide, part(hn::And(hn::ShiftRight<4>(four), mask)),
                                           hn::LoadU(d, x + kWords + j), sum1, odd1);
      sum2 = hn::ReorderWidenMulAccumulate(wide, part(hn::And(hn::ShiftRight<8>(four), mask)),
                                           hn::LoadU(d, x + 2 * kWords + j), sum2, odd2);
      sum3 = hn::ReorderWidenMulAccumulate(wide, part(hn::ShiftRight<12>(four)), hn::LoadU(d, x + 3 * kWords + j), sum3,
                                           odd3);
    }
  }
  const auto even = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  const auto odd = hn::Add(hn::Add(odd0, odd1), hn::Add(odd2, odd3));
  return hn::GetLane(hn::SumOfLanes(wide, hn::Add(even, odd)));
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(nibble_dot_row);

std::int32_t nibble_dot(const std::int16_t* x, const std::byte* row, std::size_t groups) {
  return HWY_DYNAMIC_DISPATCH(nibble_dot_row)(x, row, groups);
}

}  // namespace e5v::ops::cpu
#endif

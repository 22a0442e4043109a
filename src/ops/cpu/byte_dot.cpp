#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/byte_dot.cpp"
#include "ops/cpu/byte_dot.h"

#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

std::int32_t byte_dot_row(const std::int16_t* a, const std::int8_t* b, std::size_t count) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::Rebind<std::int8_t, decltype(d)> narrow;
  const hn::RepartitionToWide<decltype(d)> wide;
  const std::size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(wide), sum1 = hn::Zero(wide), odd0 = hn::Zero(wide), odd1 = hn::Zero(wide);
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    sum0 = hn::ReorderWidenMulAccumulate(wide, hn::LoadU(d, a + i), hn::PromoteTo(d, hn::LoadU(narrow, b + i)), sum0,
                                         odd0);
    sum1 = hn::ReorderWidenMulAccumulate(wide, hn::LoadU(d, a + i + lanes),
                                         hn::PromoteTo(d, hn::LoadU(narrow, b + i + lanes)), sum1, odd1);
  }
  const auto all = hn::Add(hn::Add(sum0, sum1), hn::Add(odd0, odd1));
  std::int32_t sum = hn::GetLane(hn::SumOfLanes(wide, all));
  for (; i < count; ++i) sum += std::int32_t{a[i]} * b[i];
  return sum;
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(byte_dot_row);

std::int32_t byte_dot(const std::int16_t* a, const std::int8_t* b, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(byte_dot_row)(a, b, count);
}

}  // namespace e5v::ops::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/rotary.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

/// Rotates the heads of one row: (a, b) -> (a cos - b sin, b cos + a sin), with a and b the halves of a head. Sines are
/// multiplied by the direction, 1 or -1.
void rotary_row(float* x, std::int64_t heads, std::int64_t pairs, const float* cosines, const float* sines,
                float direction) {
  const auto sign = hn::Set(FloatTag(), direction);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(FloatTag()));
  for (std::int64_t head = 0; head < heads; ++head) {
    float* a = x + head * 2 * pairs;
    float* b = a + pairs;
    std::int64_t i = 0;
    for (; i + lanes <= pairs; i += lanes) {
      const auto first = load(a + i), second = load(b + i), cosine = load(cosines + i),
                 sine = hn::Mul(load(sines + i), sign);
      store(hn::NegMulAdd(second, sine, hn::Mul(first, cosine)), a + i);
      store(hn::MulAdd(first, sine, hn::Mul(second, cosine)), b + i);
    }
    for (; i < pairs; ++i) {
      const float first = a[i], second = b[i], sine = direction * sines[i];
      a[i] = first * cosines[i] - second * sine;
      b[i] = second * cosines[i] + first * sine;
    }
  }
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(rotary_row);

void rotary(tensor::Matrix x, std::span<const std::int32_t> positions, const RotaryTable& table, float direction) {
  const std::int64_t heads = x.columns / (2 * table.pairs());
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    const std::int64_t position = positions[static_cast<std::size_t>(row)];
    HWY_DYNAMIC_DISPATCH(rotary_row)
    (x.row<float>(row), heads, table.pairs(), table.cosines(position), table.sines(position), direction);
  });
}

}  // namespace e5v::ops::cpu
#endif

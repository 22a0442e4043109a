// A small product of f32, the kernel of GEMMs and of attention. Included once per instruction set, between
// HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE of the including file.
#if defined(E5V_OPS_CPU_FLOAT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef E5V_OPS_CPU_FLOAT_TILE_INL_H_
#undef E5V_OPS_CPU_FLOAT_TILE_INL_H_
#else
#define E5V_OPS_CPU_FLOAT_TILE_INL_H_
#endif

#include "ops/cpu/vector-inl.h"

#ifdef __clang__
#define E5V_UNROLL _Pragma("clang loop unroll(full)")
#else
#define E5V_UNROLL _Pragma("GCC unroll 8")
#endif

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

constexpr std::int64_t kFloatTileRows = 6;  // with two vectors a row this fills the registers of AVX2

/// Columns of a panel: two vectors.
HWY_INLINE std::int64_t float_panel_width() { return static_cast<std::int64_t>(2 * hn::Lanes(FloatTag())); }

/// c[kRows][width] = a[kRows][depth] * panel[depth][width], or += with add. Element (r, k) of a is at
/// r * row_step + k * column_step.
template <int kRows>
HWY_INLINE void float_tile(const float* a, std::int64_t row_step, std::int64_t column_step, const float* panel,
                           std::int64_t depth, float* c, std::int64_t c_stride, bool add) {
  const FloatTag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  FloatVector low[kRows], high[kRows];  // in registers, if the compiler unrolls every loop over them
  if (add) {
    E5V_UNROLL for (int r = 0; r < kRows; ++r) {
      low[r] = load(c + r * c_stride);
      high[r] = load(c + r * c_stride + lanes);
    }
  } else {
    E5V_UNROLL for (int r = 0; r < kRows; ++r) low[r] = high[r] = hn::Zero(d);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    const auto b_low = load(panel + k * 2 * lanes), b_high = load(panel + k * 2 * lanes + lanes);
    E5V_UNROLL for (int r = 0; r < kRows; ++r) {
      const auto factor = hn::Set(d, a[r * row_step + k * column_step]);
      low[r] = hn::MulAdd(factor, b_low, low[r]);
      high[r] = hn::MulAdd(factor, b_high, high[r]);
    }
  }
  E5V_UNROLL for (int r = 0; r < kRows; ++r) {
    store(low[r], c + r * c_stride);
    store(high[r], c + r * c_stride + lanes);
  }
}

/// The same over any number of rows, a_stride apart.
HWY_INLINE void float_tiles(std::int64_t rows, const float* a, std::int64_t a_stride, const float* panel,
                            std::int64_t depth, float* c, std::int64_t c_stride, bool add) {
  std::int64_t row = 0;
  for (; row + kFloatTileRows <= rows; row += kFloatTileRows) {
    float_tile<kFloatTileRows>(a + row * a_stride, a_stride, 1, panel, depth, c + row * c_stride, c_stride, add);
  }
  a += row * a_stride;
  c += row * c_stride;
  switch (rows - row) {
    case 1: return float_tile<1>(a, a_stride, 1, panel, depth, c, c_stride, add);
    case 2: return float_tile<2>(a, a_stride, 1, panel, depth, c, c_stride, add);
    case 3: return float_tile<3>(a, a_stride, 1, panel, depth, c, c_stride, add);
    case 4: return float_tile<4>(a, a_stride, 1, panel, depth, c, c_stride, add);
    case 5: return float_tile<5>(a, a_stride, 1, panel, depth, c, c_stride, add);
    default: return;
  }
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#undef E5V_UNROLL
#endif

// Products with 8-bit weights on CPUs that have no 8-bit dot product: numbers are widened to 16 bits, whose products
// the CPU adds in pairs to 32 bits. Every step is exact, and twice as fast as f32.
//
// Weights stay as the checkpoint stores them. A strip of as many rows as two vectors have lanes is widened for a range
// of columns into a panel, [pairs of columns][rows][2], and multiplied with all rows of x before the next.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/gemm_int8.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "base/parallel.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // a CPU older than AVX2

std::int64_t strip_width() { return 8; }
std::size_t strip_scratch_bytes(std::int64_t) { return 0; }

void multiply_strip(const Int8Product& p, std::int64_t strip, std::byte*) {
  const std::int64_t K = p.w_NK.columns, end = std::min(p.w_NK.rows, (strip + 1) * strip_width());
  for (std::int64_t n = strip * strip_width(); n < end; ++n) {
    const auto* w = reinterpret_cast<const std::int8_t*>(p.w_NK.values.data) + n * K;
    for (std::int64_t row = 0; row < p.rows; ++row) {
      const std::int16_t* x = p.x + row * p.x_stride;
      std::int32_t sum = 0;
      for (std::int64_t k = 0; k < K; ++k) sum += x[k] * w[k];
      float& y = p.y_MN.row<float>(row)[n];
      y = (p.add ? y : 0.0f) + static_cast<float>(sum) * (p.x_scales[row] * p.w_scales[n]);
    }
  }
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using SumTag = hn::ScalableTag<std::int32_t>;
using PairTag = hn::Repartition<std::int16_t, SumTag>;

constexpr std::int64_t kTileRows = 6;        // with two vectors a row this fills the registers of AVX2
constexpr std::int64_t kPanelColumns = 512;  // of the weight: the panel stays in the first-level cache

/// c[kRows][2 vectors] += x[kRows][2 * pairs] * panel[pairs][2 vectors].
template <int kRows>
HWY_INLINE void int8_tile(const std::int16_t* x, std::int64_t x_stride, const std::int16_t* panel, std::int64_t pairs,
                          std::int32_t* c) {
  const SumTag sum;
  const PairTag pair;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(sum));
  hn::Vec<SumTag> low[kRows], high[kRows];
  for (int r = 0; r < kRows; ++r) {
    low[r] = hn::LoadU(sum, c + r * 2 * lanes);
    high[r] = hn::LoadU(sum, c + r * 2 * lanes + lanes);
  }
  auto unused = hn::Zero(sum);  // on x86 a pair's sum stays in its lane
  for (std::int64_t k = 0; k < pairs; ++k) {
    const auto w_low = hn::LoadU(pair, panel + k * 4 * lanes),
               w_high = hn::LoadU(pair, panel + k * 4 * lanes + 2 * lanes);
    for (int r = 0; r < kRows; ++r) {
      std::int32_t two;
      std::memcpy(&two, x + r * x_stride + 2 * k, sizeof two);
      const auto factor = hn::BitCast(pair, hn::Set(sum, two));
      low[r] = hn::ReorderWidenMulAccumulate(sum, factor, w_low, low[r], unused);
      high[r] = hn::ReorderWidenMulAccumulate(sum, factor, w_high, high[r], unused);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    hn::StoreU(low[r], sum, c + r * 2 * lanes);
    hn::StoreU(high[r], sum, c + r * 2 * lanes + lanes);
  }
}

/// The tile kernel over any number of rows; c is [rows][2 vectors].
void int8_tiles(std::int64_t rows, const std::int16_t* x, std::int64_t x_stride, const std::int16_t* panel,
                std::int64_t pairs, std::int32_t* c) {
  const auto width = static_cast<std::int64_t>(2 * hn::Lanes(SumTag()));
  std::int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) {
    int8_tile<kTileRows>(x + row * x_stride, x_stride, panel, pairs, c + row * width);
  }
  x += row * x_stride;
  c += row * width;
  switch (rows - row) {
    case 1: return int8_tile<1>(x, x_stride, panel, pairs, c);
    case 2: return int8_tile<2>(x, x_stride, panel, pairs, c);
    case 3: return int8_tile<3>(x, x_stride, panel, pairs, c);
    case 4: return int8_tile<4>(x, x_stride, panel, pairs, c);
    case 5: return int8_tile<5>(x, x_stride, panel, pairs, c);
    default: return;
  }
}

using Block = hn::FixedTag<std::uint16_t, 8>;

/// Eight rows of eight 16-bit units become their columns.
HWY_INLINE void transpose(hn::Vec<Block> (&v)[8]) {
  const Block d;
  for (int stage = 0; stage < 3; ++stage) {
    hn::Vec<Block> next[8];
    for (int i = 0; i < 4; ++i) {
      next[2 * i] = hn::InterleaveLower(d, v[i], v[i + 4]);
      next[2 * i + 1] = hn::InterleaveUpper(d, v[i], v[i + 4]);
    }
    for (int i = 0; i < 8; ++i) v[i] = next[i];
  }
}

/// Columns [0, columns) of eight rows of w, of which the first `rows` exist, as pairs of 16 bits:
/// panel[k * panel_width ...] holds the two numbers of each row at columns 2 k and 2 k + 1; missing ones are zero.
void widen_rows(const std::int8_t* w, std::int64_t stride, std::int64_t rows, std::int64_t columns, std::int16_t* panel,
                std::int64_t panel_width) {
  const hn::FixedTag<std::int8_t, 16> bytes;
  const hn::FixedTag<std::int16_t, 8> wide;
  const hn::Half<decltype(bytes)> half;
  for (std::int64_t k = 0; k < columns; k += 16) {
    hn::Vec<Block> v[8];
    for (std::int64_t r = 0; r < 8; ++r) {
      HWY_ALIGN std::int8_t padded[16] = {};
      const std::int8_t* from = w + r * stride + k;
      if (r >= rows || k + 16 > columns) {
        if (r < rows) std::memcpy(padded, from, static_cast<std::size_t>(std::min<std::int64_t>(16, columns - k)));
        from = padded;
      }
      v[r] = hn::BitCast(Block(), hn::LoadU(bytes, from));
    }
    transpose(v);
    for (std::int64_t pair = 0; pair < 8 && k + 2 * pair < columns; ++pair) {
      std::int16_t* to = panel + (k / 2 + pair) * panel_width;
      const auto column = hn::BitCast(bytes, v[pair]);
      hn::StoreU(hn::PromoteTo(wide, hn::LowerHalf(half, column)), wide, to);
      hn::StoreU(hn::PromoteTo(wide, hn::UpperHalf(half, column)), wide, to + 8);
    }
  }
}

std::int64_t strip_width() { return static_cast<std::int64_t>(2 * hn::Lanes(SumTag())); }

std::size_t strip_scratch_bytes(std::int64_t rows) {
  const std::int64_t panel = kPanelColumns * strip_width() * 2, sums = rows * strip_width() * 4;
  return static_cast<std::size_t>(panel + sums);
}

/// One strip of rows of w against the rows of x. scratch holds strip_scratch_bytes(p.rows) bytes.
void multiply_strip(const Int8Product& p, std::int64_t strip, std::byte* scratch) {
  const auto width = static_cast<std::int64_t>(2 * hn::Lanes(SumTag()));
  const std::int64_t first = strip * width, used = std::min(width, p.w_NK.rows - first), K = p.w_NK.columns;
  auto* panel = reinterpret_cast<std::int16_t*>(scratch);
  auto* c = reinterpret_cast<std::int32_t*>(scratch + kPanelColumns * width * 2);
  std::fill_n(c, p.rows * width, 0);
  for (std::int64_t k = 0; k < K; k += kPanelColumns) {
    const std::int64_t columns = std::min(kPanelColumns, K - k);
    for (std::int64_t r = 0; r < width; r += 8) {
      const auto* w = reinterpret_cast<const std::int8_t*>(p.w_NK.values.data) + (first + r) * K + k;
      widen_rows(w, K, std::clamp<std::int64_t>(used - r, 0, 8), columns, panel + 2 * r, 2 * width);
    }
    int8_tiles(p.rows, p.x + k, p.x_stride, panel, (columns + 1) / 2, c);
  }
  for (std::int64_t row = 0; row < p.rows; ++row) {
    float* y = p.y_MN.row<float>(row) + first;
    const float scale = p.x_scales[row];
    const std::int32_t* sums = c + row * width;
    if (p.add) {
      for (std::int64_t j = 0; j < used; ++j) y[j] += static_cast<float>(sums[j]) * (scale * p.w_scales[first + j]);
    } else {
      for (std::int64_t j = 0; j < used; ++j) y[j] = static_cast<float>(sums[j]) * (scale * p.w_scales[first + j]);
    }
  }
}

#endif

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(strip_width);
HWY_EXPORT(strip_scratch_bytes);
HWY_EXPORT(multiply_strip);

namespace {

/// Rows of x at a time: enough to make the widening of weights cheap, few enough for a last-level cache.
constexpr std::int64_t kRowsAtOnce = 384;

}  // namespace

void gemm_int8(const QuantizedRows& x, const tensor::StoredMatrix& w_NK, std::span<const float> w_scales,
               tensor::Matrix y_MN, bool add) {
  const std::int64_t width = HWY_DYNAMIC_DISPATCH(strip_width)();
  for (std::int64_t begin = 0; begin < y_MN.rows; begin += kRowsAtOnce) {
    const std::int64_t rows = std::min(kRowsAtOnce, y_MN.rows - begin);
    const Int8Product product{x.values.row<std::int16_t>(begin),
                              x.values.stride,
                              x.scales + begin,
                              rows,
                              w_NK,
                              w_scales.data(),
                              y_MN.row_range(begin, rows),
                              add};
    parallel_for((w_NK.rows + width - 1) / width, 1, [&](std::int64_t strip) {
      std::byte* scratch = thread_scratch(HWY_DYNAMIC_DISPATCH(strip_scratch_bytes)(rows));
      HWY_DYNAMIC_DISPATCH(multiply_strip)(product, strip, scratch);
    });
  }
}

}  // namespace e5v::ops::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/transpose.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <algorithm>

#include "base/parallel.h"
#include "ops/cpu/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int64_t kTile = 8;

#if HWY_TARGET == HWY_SCALAR
constexpr bool kHasTiles = false;
void transpose_tile(const std::uint16_t*, std::int64_t, std::uint16_t*, std::int64_t) {}
#else
constexpr bool kHasTiles = true;
using Words = hn::FixedTag<std::uint16_t, 8>;
using Row = hn::Vec<Words>;

/// Adjacent elements of a column (pairs, then fours, then eights) become adjacent in a row.
template <class T>
HWY_INLINE void interleave(const Row& a, const Row& b, Row& lower, Row& upper) {
  const hn::FixedTag<T, 16 / sizeof(T)> wide;
  const auto x = hn::BitCast(wide, a), y = hn::BitCast(wide, b);
  lower = hn::BitCast(Words(), hn::InterleaveLower(wide, x, y));
  upper = hn::BitCast(Words(), hn::InterleaveUpper(wide, x, y));
}

HWY_INLINE void transpose_tile(const std::uint16_t* x, std::int64_t x_stride, std::uint16_t* y, std::int64_t y_stride) {
  const Words d;
  const auto row = [&](std::int64_t i) HWY_ATTR { return hn::LoadU(d, x + i * x_stride); };
  Row a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
  interleave<std::uint16_t>(row(0), row(1), a0, a1);
  interleave<std::uint16_t>(row(2), row(3), a2, a3);
  interleave<std::uint16_t>(row(4), row(5), a4, a5);
  interleave<std::uint16_t>(row(6), row(7), a6, a7);
  interleave<std::uint32_t>(a0, a2, b0, b1);
  interleave<std::uint32_t>(a1, a3, b2, b3);
  interleave<std::uint32_t>(a4, a6, b4, b5);
  interleave<std::uint32_t>(a5, a7, b6, b7);
  interleave<std::uint64_t>(b0, b4, a0, a1);
  interleave<std::uint64_t>(b1, b5, a2, a3);
  interleave<std::uint64_t>(b2, b6, a4, a5);
  interleave<std::uint64_t>(b3, b7, a6, a7);
  const Row* const columns[kTile] = {&a0, &a1, &a2, &a3, &a4, &a5, &a6, &a7};
  for (std::int64_t j = 0; j < kTile; ++j) hn::StoreU(*columns[j], d, y + j * y_stride);
}

#endif

/// y [columns, rows] = x [rows, columns] transposed.
void transpose_words(const std::uint16_t* x, std::int64_t x_stride, std::int64_t rows, std::int64_t columns,
                     std::uint16_t* y, std::int64_t y_stride) {
  const std::int64_t whole_rows = kHasTiles ? rows / kTile * kTile : 0, whole_columns = columns / kTile * kTile;
  for (std::int64_t i = 0; i < whole_rows; i += kTile) {
    for (std::int64_t j = 0; j < whole_columns; j += kTile) {
      transpose_tile(x + i * x_stride + j, x_stride, y + j * y_stride + i, y_stride);
    }
  }
  for (std::int64_t j = 0; j < columns; ++j) {
    const std::int64_t begin = j < whole_columns ? whole_rows : 0;
    for (std::int64_t i = begin; i < rows; ++i) y[j * y_stride + i] = x[i * x_stride + j];
  }
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(transpose_words);

void transpose_bf16(tensor::ConstMatrix x, tensor::Matrix y) {
  constexpr std::int64_t kBlock = 32;  // columns of x and as many rows stay in cache
  parallel_for((x.columns + kBlock - 1) / kBlock, 1, [&](std::int64_t block) {
    const std::int64_t first = block * kBlock, columns = std::min(kBlock, x.columns - first);
    for (std::int64_t begin = 0; begin < x.rows; begin += kBlock) {
      const std::int64_t rows = std::min(kBlock, x.rows - begin);
      HWY_DYNAMIC_DISPATCH(transpose_words)
      (x.row<std::uint16_t>(begin) + first, x.stride, rows, columns, y.row<std::uint16_t>(first) + begin, y.stride);
    }
  });
}

}  // namespace e5v::ops::cpu
#endif

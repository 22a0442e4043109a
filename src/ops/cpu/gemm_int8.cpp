// Products with 8-bit weights on CPUs without 8-bit dot products. They use 16-bit numbers; the CPU adds pairs of their
// products to 32 bits. Every step is exact.
//
// Adding the pairs' sums takes as many instructions as multiplying, in the same units. So half of the products are
// replaced by sums (Winograd, "A new algorithm for inner product", 1968). Of four columns,
//   x0 w0 + x2 w2 = (x0 + w2) (x2 + w0) - x0 x2 - w0 w2, and likewise with 1 and 3.
// The subtracted terms depend on x or w alone, and are summed once for a row. Intermediate sums may leave 32 bits,
// because the final ones do not: everything is modulo 2^32.
//
// Weights stay in the form of the checkpoint. A strip of rows is widened, one chunk of columns at a time, to a panel
// [pairs of columns][W][2].
//
// Legend: K inputs, W rows of w in a strip (two vectors).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/gemm_int8.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/cpu/expand-inl.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/quantize-inl.h"
#include "ops/cpu/row_tiles.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

constexpr std::int64_t kTileRows = 4;  // with two vectors per row, panel and sums fill the registers of AVX2
constexpr std::int64_t kChunk = 512;   // columns of a panel, which then fills half a first-level cache

RowTiles int8_tiles(std::int64_t rows, std::int64_t columns) { return {rows, columns, kTileRows, kChunk, 4}; }

#if HWY_TARGET == HWY_SCALAR  // a CPU older than AVX2

std::int64_t int8_strip_width() { return 8; }

std::uint32_t own_products(const std::int16_t* x, std::int64_t columns) {
  std::uint32_t sum = 0;
  for (std::int64_t k = 0; k < columns; k += 4) {
    sum += static_cast<std::uint32_t>(x[k] * x[k + 2]) + static_cast<std::uint32_t>(x[k + 1] * x[k + 3]);
  }
  return sum;
}

/// panel[pair][W][2] = columns [begin, begin + columns) of `used` rows of w.
void widen_strip(const std::int8_t* w, std::int64_t stride, std::int64_t used, std::int64_t columns,
                 std::int16_t* panel) {
  const std::int64_t W = int8_strip_width();
  std::fill_n(panel, (columns + 7) / 8 * 8 * W, std::int16_t{0});
  for (std::int64_t r = 0; r < used; ++r) {
    for (std::int64_t k = 0; k < columns; ++k) panel[(k / 2 * W + r) * 2 + k % 2] = w[r * stride + k];
  }
}

void add_own_products(const std::int16_t* panel, std::int64_t quads, std::uint32_t* sums) {
  const std::int64_t W = int8_strip_width();
  for (std::int64_t i = 0; i < quads * W * 2; ++i) {
    const std::int64_t quad = i / (2 * W), j = i % (2 * W);
    sums[j / 2] += static_cast<std::uint32_t>(panel[quad * 4 * W + j] * panel[quad * 4 * W + 2 * W + j]);
  }
}

void int8_tile(const std::int16_t* x, const std::int16_t* panel, std::int64_t octets, std::uint32_t* c) {
  const std::int64_t W = int8_strip_width();
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    for (std::int64_t k = 0; k < 8 * octets; ++k) {
      const std::int64_t partner = k ^ 2;
      if (k > partner) continue;
      for (std::int64_t j = 0; j < W; ++j) {
        const auto at = [&](std::int64_t column) { return panel[(column / 2 * W + j) * 2 + column % 2]; };
        const auto x_at = [&](std::int64_t column) { return x[(column / 4 * kTileRows + r) * 4 + column % 4]; };
        const std::int32_t product = (x_at(k) + at(partner)) * (x_at(partner) + at(k));
        c[r * W + j] += static_cast<std::uint32_t>(product);
      }
    }
  }
}

#else

using SumTag = hn::ScalableTag<std::int32_t>;
using PairTag = hn::Repartition<std::int16_t, SumTag>;

std::int64_t int8_strip_width() { return static_cast<std::int64_t>(2 * hn::Lanes(SumTag())); }

/// The sum of products of columns 0 and 2, 1 and 3 of every four columns, of x[0, columns), padded with zeros to whole
/// vectors.
std::uint32_t own_products(const std::int16_t* x, std::int64_t columns) {
  const SumTag sum;
  const PairTag pair;
  auto total = hn::Zero(sum), unused = hn::Zero(sum);
  for (std::int64_t k = 0; k < columns; k += static_cast<std::int64_t>(hn::Lanes(pair))) {
    const auto pairs = hn::BitCast(sum, hn::LoadU(pair, x + k));
    const auto first = hn::BitCast(pair, hn::OddEven(hn::Zero(sum), pairs));
    total = hn::ReorderWidenMulAccumulate(sum, first, hn::BitCast(pair, hn::Shuffle2301(pairs)), total, unused);
  }
  // The numbers are summed as unsigned, which may wrap. The intrinsic of SumOfLanes adds two ints.
  const hn::RebindToUnsigned<SumTag> lanes;
  HWY_ALIGN std::uint32_t values[hn::MaxLanes(lanes)];
  hn::Store(hn::BitCast(lanes, hn::Add(total, unused)), lanes, values);
  return std::accumulate(values, values + hn::Lanes(lanes), std::uint32_t{0});
}

using Block = hn::FixedTag<std::uint16_t, 8>;

/// Transposes eight rows of eight 16-bit units.
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

/// Widens columns [0, columns) of eight rows of w, of which the first `rows` exist, to pairs of 16 bits: panel[k *
/// panel_width ...] holds the two numbers of each row at columns 2 k and 2 k + 1. Missing ones are zero.
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
    for (std::int64_t pair = 0; pair < 8 && k + 2 * pair < (columns + 7) / 8 * 8; ++pair) {
      std::int16_t* to = panel + (k / 2 + pair) * panel_width;
      const auto column = hn::BitCast(bytes, v[pair]);
      hn::StoreU(hn::PromoteTo(wide, hn::LowerHalf(half, column)), wide, to);
      hn::StoreU(hn::PromoteTo(wide, hn::UpperHalf(half, column)), wide, to + 8);
    }
  }
}

/// panel[pairs][W][2] = columns [0, columns) of `used` rows of w, and zeros to a multiple of eight columns.
void widen_strip(const std::int8_t* w, std::int64_t stride, std::int64_t used, std::int64_t columns,
                 std::int16_t* panel) {
  const std::int64_t W = int8_strip_width();
  for (std::int64_t r = 0; r < W; r += 8) {
    widen_rows(w + r * stride, stride, std::clamp<std::int64_t>(used - r, 0, 8), columns, panel + 2 * r, 2 * W);
  }
}

/// sums[W] += products of columns 0 and 2, 1 and 3 of every four columns in the panel.
void add_own_products(const std::int16_t* panel, std::int64_t quads, std::uint32_t* sums) {
  const SumTag sum;
  const PairTag pair;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(sum));
  auto* words = reinterpret_cast<std::int32_t*>(sums);
  auto unused = hn::Zero(sum);  // on x86 a pair's sum stays in its lane
  for (std::int64_t half = 0; half < 2; ++half) {
    auto total = hn::LoadU(sum, words + half * lanes);
    for (std::int64_t quad = 0; quad < quads; ++quad) {
      const std::int16_t* from = panel + quad * 8 * lanes + half * 2 * lanes;
      total =
          hn::ReorderWidenMulAccumulate(sum, hn::LoadU(pair, from), hn::LoadU(pair, from + 4 * lanes), total, unused);
    }
    hn::StoreU(total, sum, words + half * lanes);
  }
}

#if HWY_TARGET == HWY_AVX2

// The order of instructions makes a third of the throughput (AMD Zen 3), and compilers do not keep it.
// clang-format off
#define E5V_INT8_TILE_ROW(offset, low, high)      \
  "vpbroadcastd " offset "(%[x]), %%ymm12\n\t"    \
  "vpbroadcastd " offset "+4(%[x]), %%ymm13\n\t"  \
  "vpaddw %%ymm10, %%ymm12, %%ymm14\n\t"          \
  "vpaddw %%ymm8, %%ymm13, %%ymm15\n\t"           \
  "vpaddw %%ymm11, %%ymm12, %%ymm12\n\t"          \
  "vpaddw %%ymm9, %%ymm13, %%ymm13\n\t"           \
  "vpmaddwd %%ymm14, %%ymm15, %%ymm14\n\t"        \
  "vpmaddwd %%ymm12, %%ymm13, %%ymm12\n\t"        \
  "vpaddd %%ymm14, %%" low ", %%" low "\n\t"      \
  "vpaddd %%ymm12, %%" high ", %%" high "\n\t"
#define E5V_INT8_TILE_QUAD(x, w)                  \
  "vmovdqu " w "(%[panel]), %%ymm8\n\t"           \
  "vmovdqu " w "+32(%[panel]), %%ymm9\n\t"        \
  "vmovdqu " w "+64(%[panel]), %%ymm10\n\t"       \
  "vmovdqu " w "+96(%[panel]), %%ymm11\n\t"       \
  E5V_INT8_TILE_ROW(x, "ymm0", "ymm1")            \
  E5V_INT8_TILE_ROW(x "+8", "ymm2", "ymm3")       \
  E5V_INT8_TILE_ROW(x "+16", "ymm4", "ymm5")      \
  E5V_INT8_TILE_ROW(x "+24", "ymm6", "ymm7")

/// c[kTileRows][W] += the terms of the product's sums, from x[2 octets][kTileRows][4].
void int8_tile(const std::int16_t* x, const std::int16_t* panel, std::int64_t octets, std::uint32_t* c) {
  static_assert(kTileRows == 4);
  asm volatile(
      "vmovdqu (%[c]), %%ymm0\n\t"
      "vmovdqu 32(%[c]), %%ymm1\n\t"
      "vmovdqu 64(%[c]), %%ymm2\n\t"
      "vmovdqu 96(%[c]), %%ymm3\n\t"
      "vmovdqu 128(%[c]), %%ymm4\n\t"
      "vmovdqu 160(%[c]), %%ymm5\n\t"
      "vmovdqu 192(%[c]), %%ymm6\n\t"
      "vmovdqu 224(%[c]), %%ymm7\n\t"
      ".p2align 5\n"
      "1:\n\t"
      "prefetcht0 512(%[x])\n\t"
      E5V_INT8_TILE_QUAD("0", "0")
      E5V_INT8_TILE_QUAD("32", "128")
      "add $256, %[panel]\n\t"
      "add $64, %[x]\n\t"
      "dec %[octets]\n\t"
      "jne 1b\n\t"
      "vmovdqu %%ymm0, (%[c])\n\t"
      "vmovdqu %%ymm1, 32(%[c])\n\t"
      "vmovdqu %%ymm2, 64(%[c])\n\t"
      "vmovdqu %%ymm3, 96(%[c])\n\t"
      "vmovdqu %%ymm4, 128(%[c])\n\t"
      "vmovdqu %%ymm5, 160(%[c])\n\t"
      "vmovdqu %%ymm6, 192(%[c])\n\t"
      "vmovdqu %%ymm7, 224(%[c])\n\t"
      : [x] "+r"(x), [panel] "+r"(panel), [octets] "+r"(octets)
      : [c] "r"(c)
      : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}
#undef E5V_INT8_TILE_QUAD
#undef E5V_INT8_TILE_ROW
// clang-format on

#else

/// c[kTileRows][W] += the terms of the product's sums, from x[2 octets][kTileRows][4].
void int8_tile(const std::int16_t* x, const std::int16_t* panel, std::int64_t octets, std::uint32_t* c) {
  const SumTag sum;
  const PairTag pair;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(sum));
  auto* words = reinterpret_cast<std::int32_t*>(c);
  hn::Vec<SumTag> low[kTileRows], high[kTileRows];
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    low[r] = hn::LoadU(sum, words + r * 2 * lanes);
    high[r] = hn::LoadU(sum, words + r * 2 * lanes + lanes);
  }
  auto unused = hn::Zero(sum);  // on x86 a pair's sum stays in its lane
  for (std::int64_t quad = 0; quad < 2 * octets; ++quad) {
    const std::int16_t* w = panel + quad * 8 * lanes;
    const auto w01_low = hn::LoadU(pair, w), w01_high = hn::LoadU(pair, w + 2 * lanes),
               w23_low = hn::LoadU(pair, w + 4 * lanes), w23_high = hn::LoadU(pair, w + 6 * lanes);
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      std::int32_t both[2];
      std::memcpy(both, x + (quad * kTileRows + r) * 4, sizeof both);
      const auto x01 = hn::BitCast(pair, hn::Set(sum, both[0])), x23 = hn::BitCast(pair, hn::Set(sum, both[1]));
      low[r] = hn::ReorderWidenMulAccumulate(sum, hn::Add(x01, w23_low), hn::Add(x23, w01_low), low[r], unused);
      high[r] = hn::ReorderWidenMulAccumulate(sum, hn::Add(x01, w23_high), hn::Add(x23, w01_high), high[r], unused);
    }
  }
  for (std::int64_t r = 0; r < kTileRows; ++r) {
    hn::StoreU(low[r], sum, words + r * 2 * lanes);
    hn::StoreU(high[r], sum, words + r * 2 * lanes + lanes);
  }
}

#endif
#endif

/// Rounds one row of x to whole numbers, distributed over the tiles. Returns the number that is subtracted from its
/// sums.
std::uint32_t round_row(const float* x, const RowTiles& tiles, std::int64_t row, float levels, std::int16_t* to,
                        float* scale, std::int16_t* scratch) {
  const std::int64_t padded = tiles.chunks() * kChunk;
  std::fill(scratch + tiles.columns, scratch + padded, std::int16_t{0});
  *scale = quantize_row(x, static_cast<std::size_t>(tiles.columns), levels, scratch);
  for (std::int64_t chunk = 0; chunk < tiles.chunks(); ++chunk) {
    std::int16_t* part = to + tiles.offset(chunk, row);
    for (std::int64_t k = 0; k < kChunk; k += 4) std::copy_n(scratch + chunk * kChunk + k, 4, part + k * kTileRows);
  }
  return own_products(scratch, padded);
}

/// y[i] = (sums[i] - w_own[i] - x_own) x_scale w_scales[i], or +=, for i in [0, count).
void scale_sums(const std::uint32_t* sums, const std::uint32_t* w_own, std::uint32_t x_own, std::int64_t count,
                float x_scale, const float* w_scales, float* y, bool add) {
  std::int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::RebindToSigned<FloatTag> word;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(word));
  const auto x_sum = hn::Set(word, static_cast<std::int32_t>(x_own));
  const auto factor = hn::Set(FloatTag(), x_scale);
  for (; i + lanes <= count; i += lanes) {
    const auto sum = hn::LoadU(word, reinterpret_cast<const std::int32_t*>(sums + i));
    const auto own = hn::Add(hn::LoadU(word, reinterpret_cast<const std::int32_t*>(w_own + i)), x_sum);
    const auto value = hn::ConvertTo(FloatTag(), hn::Sub(sum, own));
    const auto start = add ? load(y + i) : hn::Zero(FloatTag());
    store(hn::MulAdd(value, hn::Mul(factor, load(w_scales + i)), start), y + i);
  }
#endif
  for (; i < count; ++i) {
    const auto value = static_cast<float>(static_cast<std::int32_t>(sums[i] - w_own[i] - x_own));
    y[i] = (add ? y[i] : 0.0f) + value * (x_scale * w_scales[i]);
  }
}

std::size_t int8_group_scratch(const RowTiles& tiles) {
  return static_cast<std::size_t>((kChunk * 2 + (tiles.padded_rows() + 1) * 4) * int8_strip_width() * kGroupStrips);
}

/// Computes the columns of y = x times the rows of w, or +=. w_scales belongs to these rows; scratch holds
/// int8_group_scratch(tiles) bytes.
void multiply_int8_group(const RoundedRows& x, const WeightRows& w, const float* w_scales, tensor::Matrix y, bool add,
                         std::byte* scratch) {
  const RowTiles& tiles = x.tiles;
  const std::int64_t W = int8_strip_width(), strips = (w.rows + W - 1) / W;
  auto* panels = reinterpret_cast<std::int16_t*>(scratch);
  auto* own = reinterpret_cast<std::uint32_t*>(panels + strips * kChunk * W);  // [strips][W]
  std::uint32_t* c = own + strips * W;                                         // [strips][rows][W]
  std::fill_n(own, (tiles.padded_rows() + 1) * strips * W, 0u);
  for (std::int64_t chunk = 0; chunk < tiles.chunks(); ++chunk) {
    const std::int64_t k = chunk * kChunk, columns = std::min(kChunk, tiles.columns - k), octets = (columns + 7) / 8;
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      const auto* from =
          reinterpret_cast<const std::int8_t*>(w.part.values.data) + (w.first + strip * W) * tiles.columns + k;
      std::int16_t* panel = panels + strip * kChunk * W;
      widen_strip(from, tiles.columns, std::min(W, w.rows - strip * W), columns, panel);
      add_own_products(panel, 2 * octets, own + strip * W);
      for (std::int64_t r = strip * W; r < std::min((strip + 1) * W, w.rows); ++r) {
        prefetch(w.part, w.first + r, k + kChunk, kChunk);
      }
    }
    const std::int16_t* from = x.values + tiles.offset(chunk, 0);
    for_tiles(tiles, strips, [=](std::int64_t strip, std::int64_t row) {
      int8_tile(from + row * kChunk, panels + strip * kChunk * W, octets, c + (strip * tiles.padded_rows() + row) * W);
    });
  }
  for (std::int64_t row = 0; row < tiles.rows; ++row) {
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      const std::int64_t first = strip * W, used = std::min(W, w.rows - first);
      scale_sums(c + (strip * tiles.padded_rows() + row) * W, own + first, x.own_products[row], used, x.scales[row],
                 w_scales + first, y.row<float>(row) + first, add);
    }
  }
}

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(int8_tiles);
HWY_EXPORT(int8_strip_width);
HWY_EXPORT(round_row);
HWY_EXPORT(int8_group_scratch);
HWY_EXPORT(multiply_int8_group);

namespace {

/// The memory of RoundedRows that the thread keeps.
struct KeptRows {
  Scratch values;
  std::vector<float> scales;
  std::vector<std::uint32_t> own_products;
};

RoundedRows round_rows(tensor::ConstMatrix x, int levels, KeptRows& kept) {
  const RowTiles tiles = HWY_DYNAMIC_DISPATCH(int8_tiles)(x.rows, x.columns);
  const auto elements = static_cast<std::size_t>(tiles.elements());
  auto* values = reinterpret_cast<std::int16_t*>(kept.values.reserve(elements * sizeof(std::int16_t)));
  kept.scales.resize(static_cast<std::size_t>(x.rows));
  kept.own_products.resize(static_cast<std::size_t>(x.rows));
  float* scales = kept.scales.data();
  std::uint32_t* own_products = kept.own_products.data();
  for_rows(x.rows, x.columns, [&](std::int64_t row) {
    const auto row_bytes = static_cast<std::size_t>(tiles.chunks() * tiles.chunk_columns) * sizeof(std::int16_t);
    auto* scratch = reinterpret_cast<std::int16_t*>(thread_scratch(row_bytes));
    own_products[row] = HWY_DYNAMIC_DISPATCH(round_row)(x.row<float>(row), tiles, row, static_cast<float>(levels),
                                                        values, scales + row, scratch);
  });
  for (std::int64_t row = x.rows; row < tiles.padded_rows(); ++row) {
    for (std::int64_t chunk = 0; chunk < tiles.chunks(); ++chunk) {
      std::int16_t* part = values + tiles.offset(chunk, row);
      for (std::int64_t k = 0; k < tiles.chunk_columns; k += 4)
        std::fill_n(part + k * tiles.tile_rows, 4, std::int16_t{0});
    }
  }
  return {tiles, values, scales, own_products};
}

/// The number of rows that are rounded at once.
std::int64_t block_rows(std::int64_t rows, std::int64_t columns) {
  const std::int64_t tile_rows = HWY_DYNAMIC_DISPATCH(int8_tiles)(1, columns).tile_rows;
  return rows_at_once(rows, columns * size_of(tensor::DType::i16), tile_rows);
}

}  // namespace

std::int64_t gemm_int8_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  const RowTiles tiles = HWY_DYNAMIC_DISPATCH(int8_tiles)(block_rows(rows_M, inputs_K), inputs_K);
  return tiles.elements() * size_of(tensor::DType::i16) +
         thread_count() * static_cast<std::int64_t>(HWY_DYNAMIC_DISPATCH(int8_group_scratch)(tiles));
}

void gemm_int8(tensor::ConstMatrix x_MK, int levels, std::span<const tensor::StoredMatrix> parts,
               std::span<const float> w_scales, tensor::Matrix y_MN, bool add) {
  thread_local KeptRows kept;
  const std::int64_t block = block_rows(x_MK.rows, x_MK.columns);
  for (std::int64_t begin = 0; begin < x_MK.rows; begin += block) {
    const std::int64_t rows = std::min(block, x_MK.rows - begin);
    const RoundedRows x = round_rows(x_MK.row_range(begin, rows), levels, kept);
    const tensor::Matrix y = y_MN.row_range(begin, rows);
    const std::size_t scratch_bytes = HWY_DYNAMIC_DISPATCH(int8_group_scratch)(x.tiles);
    for_groups(parts, HWY_DYNAMIC_DISPATCH(int8_strip_width)(), [&](const WeightRows& w) {
      HWY_DYNAMIC_DISPATCH(multiply_int8_group)
      (x, w, w_scales.data() + w.column, y.column_range(w.column, w.rows), add, thread_scratch(scratch_bytes));
    });
  }
}

}  // namespace e5v::ops::cpu
#endif

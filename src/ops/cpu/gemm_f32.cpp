// y = x w^T in f32 over weights as a checkpoint stores them.
//
// Legend: K inputs, W rows of w in a strip (two vectors).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/gemm_f32.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include "ops/cpu/expand-inl.h"
#include "ops/cpu/float_tile-inl.h"
#include "ops/cpu/gemm.h"
#include "ops/cpu/row_tiles.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

constexpr std::int64_t kChunk = 256;  // columns of a panel, which then fills half a first-level cache
constexpr std::int64_t kUnroll = 4;   // columns come in multiples of it, the last ones zero

#if HWY_TARGET == HWY_AVX2

// What the loop of float_tile means, unrolled. Compilers that unroll it run out of registers.
// clang-format off
#define E5V_F32_TILE_ROW(offset, low, high)           \
  "vbroadcastss " offset "(%[x]), %%ymm14\n\t"        \
  "vfmadd231ps %%ymm12, %%ymm14, %%" low "\n\t"       \
  "vfmadd231ps %%ymm13, %%ymm14, %%" high "\n\t"
#define E5V_F32_TILE_COLUMN(x, w)                     \
  "vmovups " w "(%[panel]), %%ymm12\n\t"              \
  "vmovups " w "+32(%[panel]), %%ymm13\n\t"           \
  E5V_F32_TILE_ROW(x, "ymm0", "ymm1")                 \
  E5V_F32_TILE_ROW(x "+4", "ymm2", "ymm3")            \
  E5V_F32_TILE_ROW(x "+8", "ymm4", "ymm5")            \
  E5V_F32_TILE_ROW(x "+12", "ymm6", "ymm7")           \
  E5V_F32_TILE_ROW(x "+16", "ymm8", "ymm9")           \
  E5V_F32_TILE_ROW(x "+20", "ymm10", "ymm11")

/// c[6][W] += x[columns][6]^T * panel[columns][W].
void f32_tile(const float* x, const float* panel, std::int64_t columns, float* c) {
  static_assert(kFloatTileRows == 6 && kUnroll == 4);
  asm volatile(
      "vmovups (%[c]), %%ymm0\n\t"
      "vmovups 32(%[c]), %%ymm1\n\t"
      "vmovups 64(%[c]), %%ymm2\n\t"
      "vmovups 96(%[c]), %%ymm3\n\t"
      "vmovups 128(%[c]), %%ymm4\n\t"
      "vmovups 160(%[c]), %%ymm5\n\t"
      "vmovups 192(%[c]), %%ymm6\n\t"
      "vmovups 224(%[c]), %%ymm7\n\t"
      "vmovups 256(%[c]), %%ymm8\n\t"
      "vmovups 288(%[c]), %%ymm9\n\t"
      "vmovups 320(%[c]), %%ymm10\n\t"
      "vmovups 352(%[c]), %%ymm11\n\t"
      ".p2align 5\n"
      "1:\n\t"
      "prefetcht0 512(%[x])\n\t"
      E5V_F32_TILE_COLUMN("0", "0")
      E5V_F32_TILE_COLUMN("24", "64")
      "prefetcht0 576(%[x])\n\t"
      E5V_F32_TILE_COLUMN("48", "128")
      E5V_F32_TILE_COLUMN("72", "192")
      "add $256, %[panel]\n\t"
      "add $96, %[x]\n\t"
      "sub $4, %[columns]\n\t"
      "jg 1b\n\t"
      "vmovups %%ymm0, (%[c])\n\t"
      "vmovups %%ymm1, 32(%[c])\n\t"
      "vmovups %%ymm2, 64(%[c])\n\t"
      "vmovups %%ymm3, 96(%[c])\n\t"
      "vmovups %%ymm4, 128(%[c])\n\t"
      "vmovups %%ymm5, 160(%[c])\n\t"
      "vmovups %%ymm6, 192(%[c])\n\t"
      "vmovups %%ymm7, 224(%[c])\n\t"
      "vmovups %%ymm8, 256(%[c])\n\t"
      "vmovups %%ymm9, 288(%[c])\n\t"
      "vmovups %%ymm10, 320(%[c])\n\t"
      "vmovups %%ymm11, 352(%[c])\n\t"
      : [x] "+r"(x), [panel] "+r"(panel), [columns] "+r"(columns)
      : [c] "r"(c)
      : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14");
}
#undef E5V_F32_TILE_COLUMN
#undef E5V_F32_TILE_ROW
// clang-format on

#else

/// c[6][W] += x[columns][6]^T * panel[columns][W].
void f32_tile(const float* x, const float* panel, std::int64_t columns, float* c) {
  float_tile<kFloatTileRows>(x, 1, kFloatTileRows, panel, columns, c, float_panel_width(), true);
}

#endif

/// panel[k][W] = rows[W][k] for k in [0, columns); rows are kChunk apart.
void transpose_rows(const float* rows, std::int64_t columns, float* panel) {
  const std::int64_t W = float_panel_width();
  std::int64_t k = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  for (; k + 4 <= columns; k += 4) {
    for (std::int64_t w = 0; w < W; w += 4) {
      const float* from = rows + w * kChunk + k;
      const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + kChunk), e = hn::LoadU(d, from + 2 * kChunk),
                 f = hn::LoadU(d, from + 3 * kChunk);
      const auto ae_low = hn::InterleaveLower(d, a, e), ae_high = hn::InterleaveUpper(d, a, e),
                 bf_low = hn::InterleaveLower(d, b, f), bf_high = hn::InterleaveUpper(d, b, f);
      float* to = panel + k * W + w;
      hn::StoreU(hn::InterleaveLower(d, ae_low, bf_low), d, to);
      hn::StoreU(hn::InterleaveUpper(d, ae_low, bf_low), d, to + W);
      hn::StoreU(hn::InterleaveLower(d, ae_high, bf_high), d, to + 2 * W);
      hn::StoreU(hn::InterleaveUpper(d, ae_high, bf_high), d, to + 3 * W);
    }
  }
#endif
  for (; k < columns; ++k) {
    for (std::int64_t w = 0; w < W; ++w) panel[k * W + w] = rows[w * kChunk + k];
  }
}

std::int64_t f32_strip_width() { return float_panel_width(); }

std::int64_t f32_group_scratch(const RowTiles& x) {
  return (kChunk + (kChunk + x.padded_rows()) * kGroupStrips) * float_panel_width();
}

/// Columns of y = x times the rows of w, or +=. scratch holds f32_group_scratch(tiles) floats.
void multiply_f32_group(const RowTiles& tiles, const float* x, const WeightRows& w, tensor::Matrix y, bool add,
                        float* scratch) {
  const std::int64_t W = float_panel_width(), strips = (w.rows + W - 1) / W;
  float* rows = scratch;
  float* panels = rows + kChunk * W;
  float* c = panels + strips * kChunk * W;  // [strips][rows][W]
  std::fill_n(c, strips * tiles.padded_rows() * W, 0.0f);
  for (std::int64_t chunk = 0; chunk < tiles.chunks(); ++chunk) {
    const std::int64_t k = chunk * kChunk, given = std::min(kChunk, tiles.columns - k),
                       columns = (given + kUnroll - 1) / kUnroll * kUnroll;
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      const std::int64_t used = std::min(W, w.rows - strip * W);
      for (std::int64_t r = 0; r < used; ++r) {
        float* row = rows + r * kChunk;
        expand(w.part, w.first + strip * W + r, k, given, row);
        std::fill(row + given, row + columns, 0.0f);
        prefetch(w.part, w.first + strip * W + r, k + kChunk, kChunk);
      }
      std::fill(rows + used * kChunk, rows + W * kChunk, 0.0f);
      transpose_rows(rows, columns, panels + strip * kChunk * W);
    }
    const float* from = x + tiles.offset(chunk, 0);
    for_tiles(tiles, strips, [=](std::int64_t strip, std::int64_t row) {
      f32_tile(from + row * kChunk, panels + strip * kChunk * W, columns, c + (strip * tiles.padded_rows() + row) * W);
    });
  }
  for (std::int64_t row = 0; row < tiles.rows; ++row) {
    for (std::int64_t j = 0; j < w.rows; j += W) {
      float* to = y.row<float>(row) + j;
      const float* sums = c + (j / W * tiles.padded_rows() + row) * W;
      const std::int64_t used = std::min(W, w.rows - j);
      if (add) {
        for (std::int64_t i = 0; i < used; ++i) to[i] += sums[i];
      } else {
        std::copy_n(sums, used, to);
      }
    }
  }
}

RowTiles f32_tiles(std::int64_t rows, std::int64_t columns) { return {rows, columns, kFloatTileRows, kChunk, 1}; }

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(f32_strip_width);
HWY_EXPORT(f32_group_scratch);
HWY_EXPORT(multiply_f32_group);
HWY_EXPORT(f32_tiles);

namespace {

void fill_tiles(tensor::ConstMatrix x, const RowTiles& tiles, float* to) {
  for_rows(tiles.padded_rows(), x.columns, [&](std::int64_t row) {
    for (std::int64_t chunk = 0; chunk < tiles.chunks(); ++chunk) {
      const std::int64_t k = chunk * tiles.chunk_columns, columns = std::min(tiles.chunk_columns, x.columns - k);
      float* part = to + tiles.offset(chunk, row);
      std::int64_t i = 0;
      if (row < x.rows) {
        const float* from = x.row<float>(row) + k;
        for (; i < columns; ++i) part[i * tiles.tile_rows] = from[i];
      }
      for (; i < tiles.chunk_columns; ++i) part[i * tiles.tile_rows] = 0.0f;
    }
  });
}

/// Rows to lay out at once.
std::int64_t block_rows(std::int64_t rows, std::int64_t columns) {
  const std::int64_t tile_rows = HWY_DYNAMIC_DISPATCH(f32_tiles)(1, columns).tile_rows;
  return rows_at_once(rows, columns * size_of(tensor::DType::f32), tile_rows);
}

std::int64_t group_bytes(const RowTiles& tiles) {
  return HWY_DYNAMIC_DISPATCH(f32_group_scratch)(tiles) * size_of(tensor::DType::f32);
}

}  // namespace

std::int64_t gemm_f32_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  const RowTiles tiles = HWY_DYNAMIC_DISPATCH(f32_tiles)(block_rows(rows_M, inputs_K), inputs_K);
  return tiles.elements() * size_of(tensor::DType::f32) + thread_count() * group_bytes(tiles);
}

void gemm_f32(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MN, bool add) {
  thread_local Scratch kept;
  const std::int64_t block = block_rows(x_MK.rows, x_MK.columns);
  for (std::int64_t begin = 0; begin < x_MK.rows; begin += block) {
    const std::int64_t rows = std::min(block, x_MK.rows - begin);
    const RowTiles tiles = HWY_DYNAMIC_DISPATCH(f32_tiles)(rows, x_MK.columns);
    auto* x = reinterpret_cast<float*>(kept.reserve(static_cast<std::size_t>(tiles.elements()) * sizeof(float)));
    fill_tiles(x_MK.row_range(begin, rows), tiles, x);
    const tensor::Matrix y = y_MN.row_range(begin, rows);
    const auto scratch_bytes = static_cast<std::size_t>(group_bytes(tiles));
    for_groups(parts, HWY_DYNAMIC_DISPATCH(f32_strip_width)(), [&](const WeightRows& w) {
      auto* scratch = reinterpret_cast<float*>(thread_scratch(scratch_bytes));
      HWY_DYNAMIC_DISPATCH(multiply_f32_group)(tiles, x, w, y.column_range(w.column, w.rows), add, scratch);
    });
  }
}

}  // namespace e5v::ops::cpu
#endif

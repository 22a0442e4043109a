// Computes y = x w^T and y = x w in f32 from weights in a checkpoint.
//
// Legend: K columns of x, which the product sums over; W columns of y in a strip (two vectors).
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
constexpr std::int64_t kUnroll = 4;   // columns are padded with zeros to a multiple of it

#if HWY_TARGET == HWY_AVX2

// The loop of float_tile, unrolled by hand, because compilers that unroll it run out of registers.
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

/// The memory of a group: the number of chunks with unpacked panels, and the number of rows with sums.
struct Kept {
  std::int64_t chunks, rows;
};

/// Sums over few columns keep all panels, so that those of a block of rows are finished in the cache. Longer sums keep
/// the sums of all rows, so that each panel is unpacked once.
Kept kept_of(const RowTiles& x) {
  constexpr std::int64_t kFewChunks = 2;
  if (x.chunks() > kFewChunks) return {1, x.padded_rows()};
  return {x.chunks(), std::min(kCachedRows / x.tile_rows * x.tile_rows, x.padded_rows())};
}

std::int64_t f32_group_scratch(const RowTiles& x) {
  const std::int64_t W = float_panel_width(), strips = kGroupStrips * std::max<std::int64_t>(1, kWholeColumns / W);
  const Kept kept = kept_of(x);
  return (kChunk + (kept.chunks * kChunk + kept.rows) * strips) * W;
}

/// panels[strip][k][W] = weights of columns [begin, begin + given) of x, and zeros up to `columns`, for y = x w^T:
/// transposed rows of the part. rows is memory for W rows.
void unpack_rows(const OutputColumns& y, std::int64_t begin, std::int64_t given, std::int64_t columns, float* rows,
                 float* panels) {
  const std::int64_t W = float_panel_width();
  for (std::int64_t first = 0; first < y.count; first += W) {
    const std::int64_t used = std::min(W, y.count - first);
    for (std::int64_t r = 0; r < used; ++r) {
      float* row = rows + r * kChunk;
      expand(*y.part, y.first + first + r, begin, given, row);
      std::fill(row + given, row + columns, 0.0f);
      prefetch(*y.part, y.first + first + r, begin + kChunk, kChunk);
    }
    std::fill(rows + used * kChunk, rows + W * kChunk, 0.0f);
    transpose_rows(rows, columns, panels + first * kChunk);
  }
}

/// The same for y = x w, with parts of rows that are not transposed.
void unpack_columns(const OutputColumns& y, std::int64_t begin, std::int64_t given, std::int64_t columns, float* row,
                    float* panels) {
  const std::int64_t W = float_panel_width(), width = (y.count + W - 1) / W * W;
  std::fill(row + y.count, row + width, 0.0f);
  std::size_t part = 0;
  std::int64_t r = begin;  // row of the part
  for (std::int64_t k = 0; k < given; ++k, ++r) {
    for (; r >= y.parts[part].rows; ++part) r -= y.parts[part].rows;
    expand(y.parts[part], r, y.first, y.count, row);
    if (r + kChunk < y.parts[part].rows) prefetch(y.parts[part], r + kChunk, y.first, y.count);
    for (std::int64_t first = 0; first < width; first += W) {
      std::copy_n(row + first, W, panels + first * kChunk + k * W);
    }
  }
  for (std::int64_t first = 0; first < width; first += W) {
    std::fill(panels + first * kChunk + given * W, panels + first * kChunk + columns * W, 0.0f);
  }
}

/// Writes sums[strip][strip_rows][W] of the first rows to y, or adds them.
void write_sums(const float* sums, std::int64_t strip_rows, tensor::Matrix y, bool add) {
  const std::int64_t W = float_panel_width();
  for (std::int64_t row = 0; row < y.rows; ++row) {
    for (std::int64_t j = 0; j < y.columns; j += W) {
      float* to = y.row<float>(row) + j;
      const float* from = sums + (j / W * strip_rows + row) * W;
      const std::int64_t used = std::min(W, y.columns - j);
      if (used == W) {  // two vectors
        for (std::int64_t i = 0; i < W; i += W / 2) {
          store(add ? hn::Add(load(to + i), load(from + i)) : load(from + i), to + i);
        }
        continue;
      }
      for (std::int64_t i = 0; i < used; ++i) to[i] = add ? to[i] + from[i] : from[i];
    }
  }
}

/// Computes the columns of y of one group of strips, or +=. scratch holds f32_group_scratch(tiles) floats.
void multiply_f32_group(const RowTiles& tiles, const float* x, const OutputColumns& group, tensor::Matrix y, bool add,
                        float* scratch) {
  const std::int64_t W = float_panel_width(), strips = (group.count + W - 1) / W;
  const Kept kept = kept_of(tiles);
  float* unpacked = scratch;
  float* panels = unpacked + kChunk * W;                     // [kept.chunks][strips][kChunk][W]
  float* sums = panels + kept.chunks * strips * kChunk * W;  // [strips][kept.rows][W]
  const auto panels_of = [=](std::int64_t chunk) { return panels + chunk % kept.chunks * strips * kChunk * W; };
  const auto given = [&](std::int64_t chunk) { return std::min(kChunk, tiles.columns - chunk * kChunk); };
  const auto padded = [&](std::int64_t chunk) { return (given(chunk) + kUnroll - 1) / kUnroll * kUnroll; };
  for (std::int64_t first = 0; first < tiles.chunks(); first += kept.chunks) {
    const std::int64_t last = first + kept.chunks;
    for (std::int64_t chunk = first; chunk < last; ++chunk) {
      const auto unpack = group.part == nullptr ? unpack_columns : unpack_rows;
      unpack(group, chunk * kChunk, given(chunk), padded(chunk), unpacked, panels_of(chunk));
    }
    for (std::int64_t begin = 0; begin < tiles.rows; begin += kept.rows) {
      const std::int64_t end = std::min(begin + kept.rows, tiles.padded_rows());
      if (first == 0) std::fill_n(sums, strips * kept.rows * W, 0.0f);
      for (std::int64_t chunk = first; chunk < last; ++chunk) {
        const float *from = x + tiles.offset(chunk, 0), *panel = panels_of(chunk);
        for_tiles(tiles, begin, end, strips, [=, columns = padded(chunk)](std::int64_t strip, std::int64_t row) {
          f32_tile(from + row * kChunk, panel + strip * kChunk * W, columns,
                   sums + (strip * kept.rows + row - begin) * W);
        });
      }
      if (last == tiles.chunks())
        write_sums(sums, kept.rows, y.row_range(begin, std::min(kept.rows, tiles.rows - begin)), add);
    }
  }
}

/// Reorders a tile's rows for f32_tile: to[chunk][k][row], with zeros after the end.
void fill_f32_tile(tensor::ConstMatrix x, const RowTiles& tiles, std::int64_t tile, float* to) {
  const std::int64_t first = tile * kFloatTileRows, rows = std::min<std::int64_t>(kFloatTileRows, x.rows - first);
  for (std::int64_t chunk = 0; chunk < tiles.chunks(); ++chunk) {
    const std::int64_t begin = chunk * kChunk, columns = std::min(kChunk, x.columns - begin);
    float* part = to + tiles.offset(chunk, first);
    std::int64_t k = 0;
#if HWY_TARGET != HWY_SCALAR
    const hn::FixedTag<float, 4> d;
    const hn::FixedTag<std::uint64_t, 2> pairs;
    for (; rows == kFloatTileRows && k + 4 <= columns; k += 4) {
      const auto row = [&](std::int64_t r) { return hn::LoadU(d, x.row<float>(first + r) + begin + k); };
      const auto low = [&](auto a, auto b) { return hn::BitCast(pairs, hn::InterleaveLower(d, a, b)); };
      const auto high = [&](auto a, auto b) { return hn::BitCast(pairs, hn::InterleaveUpper(d, a, b)); };
      const auto a = row(0), b = row(1), c = row(2), e = row(3), f = row(4), g = row(5);
      auto* out = reinterpret_cast<std::uint64_t*>(part + k * kFloatTileRows);
      hn::StoreInterleaved3(low(a, b), low(c, e), low(f, g), pairs, out);
      hn::StoreInterleaved3(high(a, b), high(c, e), high(f, g), pairs, out + 6);
    }
#endif
    for (; k < columns; ++k) {
      for (std::int64_t r = 0; r < kFloatTileRows; ++r) {
        part[k * kFloatTileRows + r] = r < rows ? x.row<float>(first + r)[begin + k] : 0.0f;
      }
    }
    std::fill(part + columns * kFloatTileRows, part + kChunk * kFloatTileRows, 0.0f);
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
HWY_EXPORT(fill_f32_tile);
HWY_EXPORT(f32_tiles);

namespace {

/// The number of rows that are reordered at once.
std::int64_t block_rows(std::int64_t rows, std::int64_t columns) {
  const std::int64_t tile_rows = HWY_DYNAMIC_DISPATCH(f32_tiles)(1, columns).tile_rows;
  return rows_at_once(rows, columns * size_of(tensor::DType::f32), tile_rows);
}

std::int64_t group_bytes(const RowTiles& tiles) {
  return HWY_DYNAMIC_DISPATCH(f32_group_scratch)(tiles) * size_of(tensor::DType::f32);
}

/// The thread's memory for reordered rows of x.
Scratch& row_memory() {
  thread_local Scratch memory;
  return memory;
}

/// Reorders suitable numbers of rows of x, and runs body(tiles, x in tiles, first row) for each.
template <class Body>
void for_row_blocks(tensor::ConstMatrix x_MK, const Body& body) {
  const std::int64_t block = block_rows(x_MK.rows, x_MK.columns);
  for (std::int64_t begin = 0; begin < x_MK.rows; begin += block) {
    const std::int64_t rows = std::min(block, x_MK.rows - begin);
    const RowTiles tiles = HWY_DYNAMIC_DISPATCH(f32_tiles)(rows, x_MK.columns);
    auto* x =
        reinterpret_cast<float*>(row_memory().reserve(static_cast<std::size_t>(tiles.elements()) * sizeof(float)));
    for_rows(tiles.tiles(), x_MK.columns * tiles.tile_rows, [&](std::int64_t tile) {
      HWY_DYNAMIC_DISPATCH(fill_f32_tile)(x_MK.row_range(begin, rows), tiles, tile, x);
    });
    body(tiles, x, begin);
  }
}

float* group_scratch(const RowTiles& tiles) {
  return reinterpret_cast<float*>(thread_scratch(static_cast<std::size_t>(group_bytes(tiles))));
}

}  // namespace

std::int64_t gemm_f32_scratch_bytes(std::int64_t rows_M, std::int64_t inputs_K) {
  const RowTiles tiles = HWY_DYNAMIC_DISPATCH(f32_tiles)(block_rows(rows_M, inputs_K), inputs_K);
  return tiles.elements() * size_of(tensor::DType::f32) + thread_count() * group_bytes(tiles);
}

void gemm_f32(tensor::ConstMatrix x_MK, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MN, bool add) {
  for_row_blocks(x_MK, [&](const RowTiles& tiles, const float* x, std::int64_t begin) {
    const tensor::Matrix y = y_MN.row_range(begin, tiles.rows);
    for_groups(parts, HWY_DYNAMIC_DISPATCH(f32_strip_width)(), [&](const WeightRows& w) {
      HWY_DYNAMIC_DISPATCH(multiply_f32_group)
      (tiles, x, {{}, &w.part, w.first, w.rows}, y.column_range(w.column, w.rows), add, group_scratch(tiles));
    });
  });
}

void gemm_f32_transposed(tensor::ConstMatrix x_MN, std::span<const tensor::StoredMatrix> parts, tensor::Matrix y_MK,
                         bool add) {
  for_row_blocks(x_MN, [&](const RowTiles& tiles, const float* x, std::int64_t begin) {
    const tensor::Matrix y = y_MK.row_range(begin, tiles.rows);
    for_column_groups(
        y.columns, std::max(kWholeColumns, HWY_DYNAMIC_DISPATCH(f32_strip_width)()),
        [&](std::int64_t first, std::int64_t count) {
          HWY_DYNAMIC_DISPATCH(multiply_f32_group)
          (tiles, x, {parts, nullptr, first, count}, y.column_range(first, count), add, group_scratch(tiles));
        });
  });
}

}  // namespace e5v::ops::cpu
#endif

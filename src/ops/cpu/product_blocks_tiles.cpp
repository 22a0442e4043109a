// Products in tiles, the CPU's registers of 16 rows by 64 bytes (AMX). A step multiplies two tiles of x with two of the
// weight, so that each that is fetched is used twice, and keeps the four of sums in registers over a chunk of K.
//
// What lies where: a chunk of two tiles' rows of x in the first-level cache, while all panels of a block of the weight
// pass by; that chunk of the block, and the sums of a block of rows, in the second; all else is streamed. docs/speed.md
// has the sizes that were tried.
//
// Legend: M rows of x, K columns of x, N outputs.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/product_blocks.h"
#include "ops/cpu/scratch.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define E5V_TILES __attribute__((target("amx-tile,amx-bf16,amx-int8")))

namespace e5v::ops::cpu {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;
using tensor::StoredMatrix;

constexpr std::int64_t kTileRows = 16, kRowBytes = 64;
constexpr std::int64_t kPair = 2 * kTileRows;  // rows of x, and outputs, of a step
constexpr std::int64_t kPairBytes = kPair * kRowBytes;
constexpr std::int64_t kChunk = 8;      // tiles of a row in a chunk
constexpr std::int64_t kWords = 16;     // of a tile's row
constexpr std::int64_t kRows = 512;     // of a block
constexpr std::int64_t kOutputs = 512;  // of a block, at most
constexpr std::int64_t kMostBlockBytes = std::int64_t{8} << 20, kMostRowBytes = std::int64_t{64} << 20;
constexpr std::int64_t kGap =
    kTileRows;  // columns between rows of sums: without them these would share a few cache sets

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit * unit; }

/// Rows of x in tiles: [chunks][row pairs][tiles of the chunk][32 rows][64 bytes]; what is beyond M and K is zero.
struct TiledRows {
  std::int64_t rows, row_bytes;
  std::byte* data;

  std::int64_t pairs() const { return (rows + kPair - 1) / kPair; }
  std::int64_t tiles() const { return (row_bytes + kRowBytes - 1) / kRowBytes; }
  std::int64_t chunk_tiles(std::int64_t first) const { return std::min(kChunk, tiles() - first); }
  std::byte* pair(std::int64_t first_tile, std::int64_t pair) const {
    return data + (first_tile * pairs() + pair * chunk_tiles(first_tile)) * kPairBytes;
  }
  std::int64_t bytes() const { return pairs() * tiles() * kPairBytes; }
};

void fill_pair(ConstMatrix x, const TiledRows& to, std::int64_t pair) {
  const std::int64_t first = pair * kPair, rows = std::min(kPair, x.rows - first);
  for (std::int64_t tile = 0; tile < to.tiles(); ++tile) {
    std::byte* part = to.pair(tile / kChunk * kChunk, pair) + tile % kChunk * kPairBytes;
    const std::int64_t begin = tile * kRowBytes, bytes = std::min(kRowBytes, to.row_bytes - begin);
    if (rows < kPair || bytes < kRowBytes) std::memset(part, 0, kPairBytes);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::byte* from = x.row_range(first + r, 1).data + begin;
      if (bytes == kRowBytes) {
        std::memcpy(part + r * kRowBytes, from, kRowBytes);
      } else {
        std::memcpy(part + r * kRowBytes, from, static_cast<std::size_t>(bytes));
      }
    }
  }
}

/// All eight tiles whole. The registers hold it until release_tiles, on this thread.
E5V_TILES void configure_tiles() {
  struct alignas(64) Configuration {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  } configuration;
  for (int tile = 0; tile < 8; ++tile) configuration.row_bytes[tile] = kRowBytes, configuration.rows[tile] = kTileRows;
  asm volatile("ldtilecfg %0" ::"m"(configuration));  // the intrinsic of g++ 12 names only a pointer's worth of it
}
E5V_TILES void release_tiles() { _tile_release(); }

/// sums[32][32] (+)= x w^T over some tiles of a row; of x one tile's rows or both. Sums' rows are sum_stride bytes
/// apart.
template <bool kBytes>
E5V_TILES void multiply_pair(const std::byte* x, const std::byte* w, std::int64_t tiles, bool both, bool add,
                             std::byte* sums, std::int64_t sum_stride) {
  std::byte* below = sums + kTileRows * sum_stride;
  if (add) {
    _tile_loadd(0, sums, sum_stride);
    _tile_loadd(1, sums + kRowBytes, sum_stride);
    if (both) {
      _tile_loadd(2, below, sum_stride);
      _tile_loadd(3, below + kRowBytes, sum_stride);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t tile = 0; tile < tiles; ++tile, x += kPairBytes, w += kPairBytes) {
    _tile_loadd(4, x, kRowBytes);
    _tile_loadd(6, w, 2 * kRowBytes);
    _tile_loadd(7, w + kRowBytes, 2 * kRowBytes);
    if constexpr (kBytes) {
      _tile_dpbusd(0, 4, 6);
      _tile_dpbusd(1, 4, 7);
    } else {
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (!both) continue;
    _tile_loadd(5, x + kTileRows * kRowBytes, kRowBytes);
    if constexpr (kBytes) {
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    } else {
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums, sum_stride);
  _tile_stored(1, sums + kRowBytes, sum_stride);
  if (both) {
    _tile_stored(2, below, sum_stride);
    _tile_stored(3, below + kRowBytes, sum_stride);
  }
}

/// sums = x w^T for rows [first, first + sums.rows) of x, whole pairs before.
void multiply_block(const TiledRows& x, std::int64_t first, const PanelLayout& layout, const std::byte* w,
                    const Matrix& sums) {
  const auto multiply = layout.dtype == DType::i8 ? multiply_pair<true> : multiply_pair<false>;
  const std::int64_t stride = sums.stride * size_of(DType::f32);
  asm volatile("" ::: "memory");  // the intrinsics of g++ 12 do not say that they read what was written before
  configure_tiles();
  for (std::int64_t tile = 0; tile < x.tiles(); tile += kChunk) {
    for (std::int64_t row = 0; row < sums.rows; row += kPair) {
      const std::byte* rows = x.pair(tile, (first + row) / kPair);
      const bool both = sums.rows - row > kTileRows;
      for (std::int64_t n = 0; n < layout.padded_outputs(); n += kPair) {
        multiply(rows, w + layout.offset(n, tile * kWords) * 4, x.chunk_tiles(tile), both, tile > 0,
                 sums.row_range(row, 1).data + n * size_of(DType::f32), stride);
      }
    }
  }
  release_tiles();
}

std::int64_t most_outputs(std::int64_t row_bytes) {
  return std::clamp(kMostBlockBytes / row_bytes / kPair * kPair, kPair, kOutputs);
}

/// Rows of x that are tiled at once.
std::int64_t most_rows(std::int64_t row_bytes) { return std::max(kRows, kMostRowBytes / row_bytes / kRows * kRows); }

}  // namespace

void for_product_blocks_in_tiles(ConstMatrix x_MK, std::span<const StoredMatrix> parts,
                                 const std::function<void(const ProductBlock&)>& take) {
  thread_local Scratch tiled;
  const bool bytes = x_MK.dtype == DType::u8;
  const std::int64_t K = x_MK.columns, N = outputs_of(parts), row_bytes = K * size_of(x_MK.dtype);
  const std::int64_t outputs =
      std::clamp(rounded_up((N + thread_count() - 1) / thread_count(), kPair), kPair, most_outputs(row_bytes));
  for (std::int64_t above = 0; above < x_MK.rows; above += most_rows(row_bytes)) {
    const std::int64_t M = std::min(most_rows(row_bytes), x_MK.rows - above);
    TiledRows x{M, row_bytes, nullptr};
    x.data = tiled.reserve(static_cast<std::size_t>(x.bytes()));
    parallel_for(x.pairs(), 1, [&](std::int64_t pair) { fill_pair(x_MK.row_range(above, M), x, pair); });
    parallel_for((N + outputs - 1) / outputs, 1, [&](std::int64_t index) {
      thread_local Scratch packed, memory;
      const std::int64_t begin = index * outputs, columns = std::min(outputs, N - begin);
      const PanelLayout layout{bytes ? DType::i8 : DType::bf16, columns, K, kPair, x.tiles() * kWords, kChunk * kWords};
      std::byte* weight = packed.reserve(static_cast<std::size_t>(4 * layout.size()));
      pack_panels(parts, begin, layout, weight);
      std::vector<std::int32_t> sums(bytes ? static_cast<std::size_t>(columns) : 0);
      if (bytes) panel_sums(layout, weight, sums.data());
      const std::int64_t stride = layout.padded_outputs() + kGap;
      std::byte* products = memory.reserve(static_cast<std::size_t>(kRows * stride * size_of(DType::f32)));
      for (std::int64_t row = 0; row < M; row += kRows) {
        const Matrix block{products, bytes ? DType::i32 : DType::f32, std::min(kRows, M - row), columns, stride};
        multiply_block(x, row, layout, weight, block);
        take({above + row, begin, block, bytes ? sums.data() : nullptr});
      }
    });
  }
}

std::int64_t tiles_bytes(DType x, std::int64_t rows_M, std::int64_t inputs_K) {
  const std::int64_t row_bytes = rounded_up(inputs_K * size_of(x), kRowBytes);
  const std::int64_t rows = std::min(rounded_up(rows_M, kPair), most_rows(row_bytes));
  const std::int64_t products = kRows * (most_outputs(row_bytes) + kGap) * size_of(DType::f32);
  return rows * row_bytes + thread_count() * (most_outputs(row_bytes) * row_bytes + products);
}

bool request_tiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA: Linux, asm/prctl.h
  return ::syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace e5v::ops::cpu

#else

namespace e5v::ops::cpu {

void for_product_blocks_in_tiles(tensor::ConstMatrix, std::span<const tensor::StoredMatrix>,
                                 const std::function<void(const ProductBlock&)>&) {
  fail<DeviceError>("[matmul] this CPU has no tiles");
}
std::int64_t tiles_bytes(tensor::DType, std::int64_t, std::int64_t) { return 0; }
bool request_tiles() { return false; }

}  // namespace e5v::ops::cpu

#endif

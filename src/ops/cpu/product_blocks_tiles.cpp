// Products in tiles (AMX). A chunk of 32 rows of x stays in the first-level cache while all panels of a block of the
// weight pass by. That chunk of the block, and the sums of a block of rows, stay in the second-level cache; everything
// else is streamed. docs/journal.md has the sizes that were tried.
//
// Legend: M rows of x, K columns of x, N outputs.
#include <algorithm>
#include <cstring>

#include "base/parallel.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/panels.h"
#include "ops/cpu/product_blocks.h"
#include "ops/cpu/row_tiles.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/tiles.h"

namespace e5v::ops::cpu {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;
using tensor::StoredMatrix;

constexpr std::int64_t kChunk = 8;      // tiles of a row in a chunk
constexpr std::int64_t kWords = 16;     // of a tile's row
constexpr std::int64_t kRows = 512;     // of a block
constexpr std::int64_t kOutputs = 512;  // of a block, at most
constexpr std::int64_t kMaxBlockBytes = std::int64_t{8} << 20;
constexpr std::int64_t kGap = 16;  // columns between rows of sums, which would otherwise share a few cache sets

/// Rows of x in tiles: [chunks][row pairs][tiles of the chunk][32 rows][64 bytes]. Padding of M and K is zero.
struct TiledRows {
  std::int64_t rows, row_bytes;
  std::byte* data;

  std::int64_t pairs() const { return (rows + kTilePair - 1) / kTilePair; }
  std::int64_t tiles() const { return (row_bytes + kTileRowBytes - 1) / kTileRowBytes; }
  std::int64_t chunk_tiles(std::int64_t first) const { return std::min(kChunk, tiles() - first); }
  std::byte* pair(std::int64_t first_tile, std::int64_t pair) const {
    return data + (first_tile * pairs() + pair * chunk_tiles(first_tile)) * kTilePairBytes;
  }
  std::int64_t bytes() const { return pairs() * tiles() * kTilePairBytes; }
};

/// Reorders up to 32 rows of u8 or bf16.
void fill_rows(ConstMatrix x, const TiledRows& to, std::int64_t pair) {
  const std::int64_t rows = x.rows;
  for (std::int64_t tile = 0; tile < to.tiles(); ++tile) {
    std::byte* part = to.pair(tile / kChunk * kChunk, pair) + tile % kChunk * kTilePairBytes;
    const std::int64_t begin = tile * kTileRowBytes, bytes = std::min(kTileRowBytes, to.row_bytes - begin);
    if (rows < kTilePair || bytes < kTileRowBytes) std::memset(part, 0, kTilePairBytes);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::byte* from = x.row_range(r, 1).data + begin;
      if (bytes == kTileRowBytes) {  // a constant size for the compiler
        std::memcpy(part + r * kTileRowBytes, from, kTileRowBytes);
      } else {
        std::memcpy(part + r * kTileRowBytes, from, static_cast<std::size_t>(bytes));
      }
    }
  }
}

/// sums = x w^T for rows [first, first + sums.rows) of x, whole pairs before.
void multiply_block(const TiledRows& x, std::int64_t first, const PanelLayout& layout, const std::byte* w,
                    const Matrix& sums) {
  const auto multiply = layout.dtype == DType::i8 ? multiply_byte_tiles : multiply_bf16_tiles;
  const std::int64_t stride = sums.stride * size_of(DType::f32);
  const TilesInUse tiles;
  for (std::int64_t tile = 0; tile < x.tiles(); tile += kChunk) {
    for (std::int64_t row = 0; row < sums.rows; row += kTilePair) {
      const TileRows rows{x.pair(tile, (first + row) / kTilePair), kTileRowBytes, kTilePairBytes,
                          sums.rows - row > kTileHeight};
      for (std::int64_t n = 0; n < layout.padded_outputs(); n += kTilePair) {
        multiply(rows, w + layout.offset(n, tile * kWords) * 4, x.chunk_tiles(tile), tile > 0,
                 sums.row_range(row, 1).data + n * size_of(DType::f32), stride);
      }
    }
  }
}

std::int64_t max_outputs(std::int64_t row_bytes) {
  return std::clamp(kMaxBlockBytes / rounded_up(row_bytes, kTileRowBytes) / kTilePair * kTilePair, kTilePair, kOutputs);
}

/// The number of rows of x that are reordered at once.
std::int64_t rows_of(std::int64_t M, std::int64_t row_bytes) {
  return rows_at_once(M, rounded_up(row_bytes, kTileRowBytes), kTilePair);
}

/// Reorders 32 rows of x; f32 is rounded to bf16.
void fill_pair(ConstMatrix x, const TiledRows& to, std::int64_t pair) {
  const std::int64_t first = pair * kTilePair, count = std::min(kTilePair, x.rows - first);
  const ConstMatrix rows = x.row_range(first, count);
  if (x.dtype != DType::f32) return fill_rows(rows, to, pair);
  thread_local Scratch memory;
  const auto bytes = static_cast<std::size_t>(count * to.row_bytes);
  const Matrix rounded{memory.reserve(bytes), DType::bf16, count, x.columns, x.columns};
  convert(rows, 1, rounded);
  fill_rows(rounded, to, pair);
}

/// Packs a block of the right factor, beginning with a column of it.
using Pack = std::function<void(std::int64_t begin, const PanelLayout& layout, std::byte* to)>;

/// x times a right factor of N columns, block by block.
void for_blocks(ConstMatrix x_MK, std::int64_t N, const Pack& pack,
                const std::function<void(const ProductBlock&)>& take) {
  thread_local Scratch tiled;
  const bool bytes = x_MK.dtype == DType::u8;
  const std::int64_t K = x_MK.columns, row_bytes = K * (bytes ? 1 : size_of(DType::bf16));
  const std::int64_t share = (N + thread_count() - 1) / thread_count(), max_rows = rows_of(x_MK.rows, row_bytes);
  const std::int64_t outputs = std::clamp(rounded_up(share, kTilePair), kTilePair, max_outputs(row_bytes));
  for (std::int64_t above = 0; above < x_MK.rows; above += max_rows) {
    const std::int64_t M = std::min(max_rows, x_MK.rows - above);
    TiledRows x{M, row_bytes, nullptr};
    x.data = tiled.reserve(static_cast<std::size_t>(x.bytes()));
    parallel_for(x.pairs(), 1, [&](std::int64_t pair) { fill_pair(x_MK.row_range(above, M), x, pair); });
    parallel_for((N + outputs - 1) / outputs, 1, [&](std::int64_t index) {
      thread_local Scratch packed, memory;
      const std::int64_t begin = index * outputs, columns = std::min(outputs, N - begin);
      const PanelLayout layout{
          bytes ? DType::i8 : DType::bf16, columns, K, kTilePair, x.tiles() * kWords, kChunk * kWords};
      std::byte* weight = packed.reserve(static_cast<std::size_t>(4 * layout.size()));
      pack(begin, layout, weight);
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

}  // namespace

void for_product_blocks_in_tiles(ConstMatrix x_MK, std::span<const StoredMatrix> parts,
                                 const std::function<void(const ProductBlock&)>& take) {
  const auto pack = [&](std::int64_t begin, const PanelLayout& layout, std::byte* to) {
    pack_panels(parts, begin, layout, to);
  };
  for_blocks(x_MK, outputs_of(parts), pack, take);
}

void for_transposed_blocks_in_tiles(ConstMatrix x_MN, std::span<const StoredMatrix> parts,
                                    const std::function<void(const ProductBlock&)>& take) {
  const auto pack = [&](std::int64_t begin, const PanelLayout& layout, std::byte* to) {
    pack_transposed_panels(parts, begin, layout, to);
  };
  for_blocks(x_MN, parts[0].columns, pack, take);
}

std::int64_t tiles_bytes(DType x, std::int64_t rows_M, std::int64_t inputs_K) {
  const std::int64_t row_bytes = rounded_up(inputs_K * size_of(x), kTileRowBytes);
  const std::int64_t products = kRows * (kOutputs + kGap) * size_of(DType::f32);
  return rows_of(rows_M, row_bytes) * row_bytes + thread_count() * (max_outputs(row_bytes) * row_bytes + products);
}

}  // namespace e5v::ops::cpu

#pragma once
// The rows of a plan's tiles.
#include <cstdint>

#include "ops/cuda/attention.h"

namespace e5v::ops::cuda {

/// The query heads that share a kv head, and a division by their number.
struct Group {
  std::uint32_t size = 1, reciprocal = 0;

  static Group of(int heads, int kv_heads) {
    const std::uint64_t size = static_cast<std::uint64_t>(heads / kv_heads);
    return {static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(((1ull << 32) + size - 1) / size)};
  }
  /// row / size, for rows below 2^32 / size.
  __device__ int query(int row) const {
    return size == 1 ? row : static_cast<int>(__umulhi(static_cast<std::uint32_t>(row), reciprocal));
  }
  __device__ int head(int row, int kv_head) const { return (kv_head - query(row)) * static_cast<int>(size) + row; }
};

/// The rows of a query tile.
struct TileRows {
  QueryTile tile;
  Group group;
  int kv_head;

  __device__ int query(int row) const { return group.query(tile.first_row + row); }
  __device__ int query_row(int row) const { return tile.query_begin + query(row); }
  __device__ int head(int row) const { return group.head(tile.first_row + row, kv_head); }
  /// The number of keys of the path that the row attends to.
  __device__ int seen(int row) const { return tile.seen_first + tile.causal * query(row); }
};

/// The keys that the rows of a warp attend to.
struct Reach {
  int tile;   ///< keys that any row of the tile attends to
  int warp;   ///< keys that any row of the warp attends to; 0 without rows
  int whole;  ///< keys that each row of the warp attends to

  __device__ Reach(const TileRows& rows, int warp_row, int warp_rows) : tile(rows.seen(rows.tile.rows - 1)) {
    const int end = min(warp_row + warp_rows, rows.tile.rows);
    warp = warp_row < end ? rows.seen(end - 1) : 0;
    whole = warp_row < end ? rows.seen(warp_row) : 0;
  }
  /// Whether all of the warp's rows attend to kAttentionKeys keys from `first` on.
  __device__ bool sees_all(int first) const { return first + kAttentionKeys <= whole; }
};

/// Finds the section of a key of a path, or of a query that reads a node.
template <class Section>
struct Sections {
  const Section* next;
  Section current;

  __device__ explicit Sections(const Section* first) : next(first + 1), current(*first) {}
  /// Must be called with increasing indices.
  __device__ void advance(int index) {
    while (index >= current.end) current = *next++;
  }
  /// The section of an index, which must not be before that of the last advance.
  __device__ Section of(int index) const {
    Section section = current;
    for (const Section* after = next; index >= section.end; ++after) section = *after;
    return section;
  }
};

}  // namespace e5v::ops::cuda

#pragma once
#include <algorithm>
#include <cstdint>
#include <span>

#include "base/parallel.h"
#include "tensor/stored_matrix.h"

/// The division of work in GEMMs over stored weights, after Goto and van de Geijn, "Anatomy of high-performance matrix
/// multiplication" (2008). A thread takes a group of rows of the weight. A chunk of its columns is unpacked into
/// panels, one for each strip of as many rows as two vectors have lanes. A panel fills half a first-level cache. Rows
/// of x are streamed in blocks that stay in a second-level cache while they are multiplied with all panels of the
/// group.
namespace e5v::ops::cpu {

/// Rows of x in the order in which a kernel reads them: [chunks of columns][tiles of rows][chunk_columns /
/// step][tile_rows][step]. Rows after the end are zero.
struct RowTiles {
  std::int64_t rows, columns, tile_rows, chunk_columns, step;

  std::int64_t tiles() const { return (rows + tile_rows - 1) / tile_rows; }
  std::int64_t chunks() const { return (columns + chunk_columns - 1) / chunk_columns; }
  std::int64_t padded_rows() const { return tiles() * tile_rows; }
  std::int64_t elements() const { return chunks() * padded_rows() * chunk_columns; }
  /// The beginning of a chunk's part of a row. Its steps are tile_rows * step apart.
  std::int64_t offset(std::int64_t chunk, std::int64_t row) const {
    const std::int64_t place = row % tile_rows;
    return (chunk * padded_rows() + row - place) * chunk_columns + place * step;
  }
};

/// The number of rows with so many bytes that are reordered at once: equal blocks, which are large so that weights are
/// unpacked rarely.
inline std::int64_t rows_at_once(std::int64_t rows, std::int64_t row_bytes, std::int64_t tile_rows) {
  constexpr std::int64_t kBlockBytes = std::int64_t{128} << 20, kMinRows = 192;
  const std::int64_t max_rows = std::max(kMinRows, kBlockBytes / row_bytes), blocks = (rows + max_rows - 1) / max_rows;
  return ((rows + blocks - 1) / blocks + tile_rows - 1) / tile_rows * tile_rows;
}

/// Rows [first, first + rows) of a weight's part, and the column of y for the first row.
struct WeightRows {
  const tensor::StoredMatrix& part;
  std::int64_t first, rows, column;
};

/// Columns [first, first + count) of y, and their weights.
struct OutputColumns {
  std::span<const tensor::StoredMatrix> parts;  ///< for y = x w: the stacked parts
  const tensor::StoredMatrix* part;             ///< for y = x w^T: the part with their rows; otherwise null
  std::int64_t first, count;
};

constexpr std::int64_t kGroupStrips = 8;    // their panels fill a quarter of a second-level cache
constexpr std::int64_t kCachedRows = 96;    // of x: a chunk of them fills another quarter
constexpr std::int64_t kWholeColumns = 16;  // minimum for y = x w, because a word of packed weights has several columns

/// The columns of y in a group, of `outputs` columns: whole strips of `width`.
inline std::int64_t group_columns(std::int64_t outputs, std::int64_t width) {
  constexpr std::int64_t kGroupsPerThread = 4;  // makes threads end at about the same time
  return width * std::clamp<std::int64_t>(outputs / (width * kGroupsPerThread * thread_count()), 1, kGroupStrips);
}

/// Runs body(first, count) for groups of at most kGroupStrips strips of `width` columns, in parallel.
template <class Body>
void for_column_groups(std::int64_t outputs, std::int64_t width, const Body& body) {
  const std::int64_t columns = group_columns(outputs, width);
  parallel_for((outputs + columns - 1) / columns, 1,
               [&](std::int64_t group) { body(group * columns, std::min(columns, outputs - group * columns)); });
}

/// Runs body(WeightRows) for groups of at most kGroupStrips strips of `width` rows, until all parts are done, in
/// parallel.
template <class Body>
void for_groups(std::span<const tensor::StoredMatrix> parts, std::int64_t width, const Body& body) {
  std::int64_t outputs = 0;
  for (const tensor::StoredMatrix& part : parts) outputs += part.rows;
  const std::int64_t rows = group_columns(outputs, width);
  const auto groups = [rows](const tensor::StoredMatrix& part) { return (part.rows + rows - 1) / rows; };
  std::int64_t count = 0;
  for (const tensor::StoredMatrix& part : parts) count += groups(part);
  parallel_for(count, 1, [&](std::int64_t group) {
    std::int64_t column = 0;
    for (const tensor::StoredMatrix& part : parts) {
      if (group < groups(part)) {
        const std::int64_t first = group * rows;
        return body(WeightRows{part, first, std::min(rows, part.rows - first), column + first});
      }
      group -= groups(part);
      column += part.rows;
    }
  });
}

/// Runs tile(strip, row) for all tiles of rows [begin, end), in blocks of rows that stay in cache.
template <class Tile>
inline void for_tiles(const RowTiles& x, std::int64_t begin, std::int64_t end, std::int64_t strips, const Tile& tile) {
  const std::int64_t block = kCachedRows / x.tile_rows * x.tile_rows;
  for (; begin < end; begin += block) {
    const std::int64_t block_end = std::min(begin + block, end);
    for (std::int64_t strip = 0; strip < strips; ++strip) {
      for (std::int64_t row = begin; row < block_end; row += x.tile_rows) tile(strip, row);
    }
  }
}

/// The same over all rows.
template <class Tile>
inline void for_tiles(const RowTiles& x, std::int64_t strips, const Tile& tile) {
  for_tiles(x, 0, x.padded_rows(), strips, tile);
}

}  // namespace e5v::ops::cpu

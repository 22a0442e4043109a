#pragma once
#include <cstddef>
#include <cstdint>

/// The CPU's tiles (AMX): registers of 16 rows by 64 bytes, and the instructions that multiply them.
namespace e5v::ops::cpu {

constexpr std::int64_t kTileHeight = 16, kTileRowBytes = 64;  ///< rows, and bytes of a row
constexpr std::int64_t kTilePair = 2 * kTileHeight;           ///< rows of x and of the weight in a step
constexpr std::int64_t kTilePairBytes = kTilePair * kTileRowBytes;

/// Asks the system for tiles, which a process may not use otherwise. Returns false when there are none.
bool request_tiles();

/// Keeps the calling thread's tiles ready while the object exists.
class TilesInUse {
 public:
  TilesInUse();
  ~TilesInUse();
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;
};

/// The left factor of a step: two tiles, one below the other, and the tiles to their right.
struct TileRows {
  const std::byte* data;
  std::int64_t row_bytes, tile_bytes;  ///< from a row to the next; from a tile to the next one on its right
  bool both;                           ///< false: only the upper tile
};

/// sums[32][32] = x w^T, or +=, over `tiles` tiles of a row; only for the upper sixteen rows unless both. w is
/// [tiles][16][32] words of four bytes, as in a panel of weights. Rows of sums are sum_row_bytes apart.
void multiply_bf16_tiles(const TileRows& x, const std::byte* w, std::int64_t tiles, bool add, std::byte* sums,
                         std::int64_t sum_row_bytes);
/// The same for u8 and i8, with sums of i32.
void multiply_byte_tiles(const TileRows& x, const std::byte* w, std::int64_t tiles, bool add, std::byte* sums,
                         std::int64_t sum_row_bytes);

}  // namespace e5v::ops::cpu

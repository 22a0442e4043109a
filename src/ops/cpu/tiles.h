#pragma once
#include <cstddef>
#include <cstdint>

/// The CPU's tiles (AMX): registers of 16 rows by 64 bytes, and the instructions that multiply them.
namespace e5v::ops::cpu {

constexpr std::int64_t kTileHeight = 16, kTileRowBytes = 64;  ///< rows, and bytes of each
constexpr std::int64_t kTilePair = 2 * kTileHeight;           ///< rows of x, and of the weight, of a step
constexpr std::int64_t kTilePairBytes = kTilePair * kTileRowBytes;

/// Asks the system for tiles, which a process may not use unasked; false where it has none.
bool request_tiles();

/// Keeps the calling thread's tiles ready.
class TilesInUse {
 public:
  TilesInUse();
  ~TilesInUse();
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;
};

/// The left factor of a step: two tiles below each other, and those to the right of them.
struct TileRows {
  const std::byte* data;
  std::int64_t row_bytes, tile_bytes;  ///< from one row to the next; from one tile to the one on its right
  bool both;                           ///< or the upper tile alone
};

/// sums[32][32] = x w^T, or +=, over `tiles` tiles of a row; of the upper sixteen rows only, unless both. w lies as
/// [tiles][16][32] words of four bytes, as a panel of weights does. Rows of sums are sum_row_bytes apart.
void multiply_bf16_tiles(const TileRows& x, const std::byte* w, std::int64_t tiles, bool add, std::byte* sums,
                         std::int64_t sum_row_bytes);
/// The same of u8 and i8, with sums of i32.
void multiply_byte_tiles(const TileRows& x, const std::byte* w, std::int64_t tiles, bool add, std::byte* sums,
                         std::int64_t sum_row_bytes);

}  // namespace e5v::ops::cpu

#include "ops/cpu/tiles.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define E5V_TILES __attribute__((target("amx-tile,amx-bf16,amx-int8")))

namespace e5v::ops::cpu {
namespace {

// Tiles are named by literals, because the intrinsics are assembly.
#define E5V_MULTIPLY(sums, x, w) \
  if constexpr (kBytes) {        \
    _tile_dpbusd(sums, x, w);    \
  } else {                       \
    _tile_dpbf16ps(sums, x, w);  \
  }

/// Multiplies two tiles of x with two tiles of the weight. Each loaded tile is used twice, and the four tiles of sums
/// stay in their registers.
template <bool kBytes>
E5V_TILES inline void multiply(const TileRows& x, const std::byte* w, std::int64_t tiles, bool add, std::byte* sums,
                               std::int64_t sum_row_bytes) {
  constexpr std::int64_t kPanelBytes = 2 * kTileRowBytes;
  const std::byte *upper = x.data, *lower = upper + kTileHeight * x.row_bytes;
  std::byte* below = sums + kTileHeight * sum_row_bytes;
  asm volatile("" ::: "memory");  // the intrinsics of g++ 12 do not declare that they read memory
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  if (add) {
    _tile_loadd(0, sums, sum_row_bytes);
    _tile_loadd(1, sums + kTileRowBytes, sum_row_bytes);
    if (x.both) {
      _tile_loadd(2, below, sum_row_bytes);
      _tile_loadd(3, below + kTileRowBytes, sum_row_bytes);
    }
  }
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    _tile_loadd(4, upper, x.row_bytes);
    _tile_loadd(6, w, kPanelBytes);
    _tile_loadd(7, w + kTileRowBytes, kPanelBytes);
    E5V_MULTIPLY(0, 4, 6);
    E5V_MULTIPLY(1, 4, 7);
    if (x.both) {
      _tile_loadd(5, lower, x.row_bytes);
      E5V_MULTIPLY(2, 5, 6);
      E5V_MULTIPLY(3, 5, 7);
    }
    upper += x.tile_bytes, lower += x.tile_bytes, w += kTilePairBytes;
  }
  _tile_stored(0, sums, sum_row_bytes);
  _tile_stored(1, sums + kTileRowBytes, sum_row_bytes);
  if (x.both) {
    _tile_stored(2, below, sum_row_bytes);
    _tile_stored(3, below + kTileRowBytes, sum_row_bytes);
  }
}

#undef E5V_MULTIPLY

}  // namespace

bool request_tiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA: Linux, asm/prctl.h
  return ::syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

TilesInUse::TilesInUse() {
  struct alignas(64) Configuration {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  } all_whole;
  for (int tile = 0; tile < 8; ++tile) all_whole.row_bytes[tile] = kTileRowBytes, all_whole.rows[tile] = kTileHeight;
  asm volatile("ldtilecfg %0" ::"m"(all_whole));  // g++ 12's intrinsic declares only a pointer's size of it
}
TilesInUse::~TilesInUse() { asm volatile("tilerelease"); }

E5V_TILES void multiply_bf16_tiles(const TileRows& x, const std::byte* w, std::int64_t tiles, bool add, std::byte* sums,
                                   std::int64_t sum_row_bytes) {
  multiply<false>(x, w, tiles, add, sums, sum_row_bytes);
}
E5V_TILES void multiply_byte_tiles(const TileRows& x, const std::byte* w, std::int64_t tiles, bool add, std::byte* sums,
                                   std::int64_t sum_row_bytes) {
  multiply<true>(x, w, tiles, add, sums, sum_row_bytes);
}

}  // namespace e5v::ops::cpu

#else

#include "base/error.h"

namespace e5v::ops::cpu {

bool request_tiles() { return false; }
TilesInUse::TilesInUse() { fail<DeviceError>("[matmul] this CPU has no tiles"); }
TilesInUse::~TilesInUse() = default;
void multiply_bf16_tiles(const TileRows&, const std::byte*, std::int64_t, bool, std::byte*, std::int64_t) {}
void multiply_byte_tiles(const TileRows&, const std::byte*, std::int64_t, bool, std::byte*, std::int64_t) {}

}  // namespace e5v::ops::cpu

#endif

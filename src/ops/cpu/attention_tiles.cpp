#include "ops/cpu/attention_tiles.h"

#include <array>
#include <cstring>

#include "ops/cpu/panels.h"
#include "ops/cpu/tiles.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace e5v::ops::cpu {
namespace {

using tensor::BFloat16;
using Word = std::uint32_t;

constexpr std::int64_t kWordBytes = sizeof(Word), kTileElements = 32;  // of a row of bf16

const std::byte* bytes_of(const void* data) { return static_cast<const std::byte*>(data); }
std::byte* bytes_of(float* data) { return reinterpret_cast<std::byte*>(data); }

#ifdef __x86_64__
#define E5V_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

E5V_BF16 inline __m512 widened(__m256i half) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/// Computes high + low = scale x to 16 bits, for 32 elements at a time.
E5V_BF16 void split(const float* x, float scale, std::int64_t count, BFloat16* high, BFloat16* low) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (std::int64_t i = 0; i < count; i += kTileElements) {
    const __m512 a = _mm512_mul_ps(_mm512_loadu_ps(x + i), factor);
    const __m512 b = _mm512_mul_ps(_mm512_loadu_ps(x + i + 16), factor);
    const auto rounded = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a));
    const __m512 rest_a = _mm512_sub_ps(a, widened(_mm512_castsi512_si256(rounded)));
    const __m512 rest_b = _mm512_sub_ps(b, widened(_mm512_extracti64x4_epi64(rounded, 1)));
    _mm512_storeu_si512(high + i, rounded);
    _mm512_storeu_si512(low + i, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(rest_b, rest_a)));
  }
}
#else
void split(const float*, float, std::int64_t, BFloat16*, BFloat16*) {}
#endif

}  // namespace

void split_query(const float* x, float scale, std::int64_t head_width, BFloat16* to) {
  split(x, scale, head_width, to, to + head_width);
}

void pack_split_keys(const float* keys, std::int64_t stride, std::int64_t count, std::int64_t head_width,
                     float* panels) {
  constexpr std::int64_t kMaxWords = 256, kGroup = 16;
  alignas(64) std::array<Word, kGroup * kMaxWords> rows;
  for (std::int64_t first = 0; first < count; first += kGroup) {
    for (std::int64_t r = 0; r < kGroup; ++r) {
      auto* row = reinterpret_cast<BFloat16*>(rows.data() + r * head_width);
      if (first + r < count) {
        split(keys + (first + r) * stride, 1, head_width, row + head_width, row);
      } else {
        std::memset(rows.data() + r * head_width, 0, static_cast<std::size_t>(head_width * kWordBytes));
      }
    }
    auto* panel = reinterpret_cast<Word*>(panels) + first / kTileKeys * kTileKeys * head_width + first % kTileKeys;
    for (std::int64_t word = 0; word < head_width; word += kGroup)
      transpose_word_tile(rows.data() + word, head_width, panel + word * kTileKeys, kTileKeys);
    if (first % kTileKeys != 0 || first + kGroup < count) continue;
    for (std::int64_t word = 0; word < head_width; ++word)  // the other half of the last panel
      std::memset(panel + word * kTileKeys + kGroup, 0, kGroup * kWordBytes);
  }
}

void split_scores(const BFloat16* queries, std::int64_t rows, const float* panels, std::int64_t count,
                  std::int64_t head_width, float* scores, std::int64_t stride) {
  const std::int64_t row_bytes = head_width * kWordBytes, score_bytes = stride * kWordBytes;
  const std::int64_t tiles = head_width / kTileElements;
  const TilesInUse in_use;
  for (std::int64_t key = 0; key < count; key += kTileKeys) {
    const std::byte* panel = bytes_of(panels + key * head_width);
    for (std::int64_t row = 0; row < rows; row += kTilePair) {
      const TileRows x{bytes_of(queries) + row * row_bytes, row_bytes, kTileRowBytes, rows - row > kTileHeight};
      std::byte* to = bytes_of(scores + row * stride + key);
      multiply_bf16_tiles(x, panel, 2 * tiles, false, to, score_bytes);                      // high by low, low by high
      multiply_bf16_tiles(x, panel + tiles * kTilePairBytes, tiles, true, to, score_bytes);  // high by high
    }
  }
}

void mix_in_tiles(const BFloat16* weights, std::int64_t weight_stride, std::int64_t rows, const BFloat16* values,
                  std::int64_t panel_stride, std::int64_t count, float* mixed, std::int64_t columns) {
  const std::int64_t row_bytes = weight_stride * size_of(tensor::DType::bf16);
  const TilesInUse in_use;
  for (std::int64_t row = 0; row < rows; row += kTilePair) {
    const TileRows x{bytes_of(weights + row * weight_stride), row_bytes, kTileRowBytes, rows - row > kTileHeight};
    for (std::int64_t e = 0; e < columns; e += kTilePair) {
      multiply_bf16_tiles(x, bytes_of(values + e / kTilePair * panel_stride), (count + kTileKeys - 1) / kTileKeys, true,
                          bytes_of(mixed + row * columns + e), columns * kWordBytes);
    }
  }
}

}  // namespace e5v::ops::cpu

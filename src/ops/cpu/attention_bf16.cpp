// Attention with the CPU's bf16 instructions for the sums of values: values and exponentials are rounded to bf16.
// Scores stay f32, or are products of 16-bit numbers in tiles (attention_tiles.h). The reason is that the exponential
// enlarges the rounding error of a large score; rounding scores to bf16 costs more accuracy than all roundings of GEMMs
// (docs/journal.md). Tasks are those of attention.cpp. An instruction multiplies the values of two keys at once, so a
// panel of values holds pairs.
//
// Functions here have the instruction set as an attribute instead of a flag of the file, because code from headers in
// this file must run on every CPU.
//
// Legend: E head width, G query heads per kv head.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/cpu/attention_layout.h"
#include "ops/cpu/attention_tiles.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/tiles.h"
#include "ops/isa.h"

#ifdef __x86_64__
#include <immintrin.h>

#define E5V_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

namespace e5v::ops::cpu {
namespace {

using tensor::BFloat16;
using Pair = std::uint32_t;  // two bf16, the first in the low half

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kPanelWidth = 2 * kLanes;
constexpr int kTileRows = 12;  // with two vectors per row and two of the panel, this nearly fills the registers
constexpr std::int64_t kRowUnit = std::lcm<std::int64_t>(kTileRows, kTilePair);  // whole tiles of both kinds
constexpr std::int64_t kKeysAtOnce = 256;  // their panels stay in a second-level cache, one panel in the first
constexpr std::int64_t kScoreStride = kKeysAtOnce + 16;  // not a power of two, as in attention.cpp
constexpr float kLog2OfE = 1.44269504f;

/// Whether scores come from split numbers in tiles.
bool splits(std::int64_t head_width) { return has_tiles() && scores_fit_tiles(head_width); }

/// Two vectors as bf16, a in the low half.
E5V_BF16 inline __m512i to_bf16(__m512 a, __m512 b) { return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a)); }

E5V_BF16 inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xFFFF : (1 << std::max<std::int64_t>(count, 0)) - 1);
}

/// c[kRows][kPanelWidth] = a * panel. Rows of c are kScoreStride apart. Element k of row r of a is at k * kTileRows +
/// r.
template <int kRows>
E5V_BF16 void score_tile(const float* a, const float* panel, std::int64_t depth, float* c) {
  __m512 low[kRows], high[kRows];  // in registers, if the compiler unrolls every loop over them
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) low[r] = high[r] = _mm512_setzero_ps();
  for (std::int64_t k = 0; k < depth; ++k, a += kTileRows, panel += kPanelWidth) {
    const __m512 b_low = _mm512_loadu_ps(panel), b_high = _mm512_loadu_ps(panel + kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const __m512 factor = _mm512_set1_ps(a[r]);
      low[r] = _mm512_fmadd_ps(factor, b_low, low[r]);
      high[r] = _mm512_fmadd_ps(factor, b_high, high[r]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    _mm512_storeu_ps(c + r * kScoreStride, low[r]);
    _mm512_storeu_ps(c + r * kScoreStride + kLanes, high[r]);
  }
}

/// c[kRows][kPanelWidth] += a * panel over `pairs` pairs of keys. Rows of a are kScoreStride apart, those of c
/// c_stride.
template <int kRows>
E5V_BF16 void mix_tile(const Pair* a, const Pair* panel, std::int64_t pairs, float* c, std::int64_t c_stride) {
  __m512 low[kRows], high[kRows];  // in registers, if the compiler unrolls every loop over them
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    low[r] = _mm512_loadu_ps(c + r * c_stride);
    high[r] = _mm512_loadu_ps(c + r * c_stride + kLanes);
  }
  for (std::int64_t k = 0; k < pairs; ++k, ++a, panel += kPanelWidth) {
    const auto b_low = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel)),
               b_high = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel + kLanes));
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const auto factor = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a[r * kScoreStride])));
      low[r] = _mm512_dpbf16_ps(low[r], factor, b_low);
      high[r] = _mm512_dpbf16_ps(high[r], factor, b_high);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    _mm512_storeu_ps(c + r * c_stride, low[r]);
    _mm512_storeu_ps(c + r * c_stride + kLanes, high[r]);
  }
}

// Tiles of 1, 2, ... kTileRows rows.
constexpr auto kScoreTiles = []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
  return std::array{score_tile<static_cast<int>(kIndex) + 1>...};
}
(std::make_index_sequence<kTileRows>());
constexpr auto kMixTiles = []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
  return std::array{mix_tile<static_cast<int>(kIndex) + 1>...};
}
(std::make_index_sequence<kTileRows>());

/// Packs the values of one head of one node into panels [ceil(E / 32)][padded / 2][32] of pairs. Pairs beyond `count`
/// are zero.
E5V_BF16 void pack_values(const float* values, std::int64_t stride, std::int64_t count, std::int64_t padded,
                          std::int64_t head_width, Pair* panels) {
  const __m512i interleave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                              6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (std::int64_t first = 0; first < head_width; first += kPanelWidth) {
    for (std::int64_t key = 0; key < padded; key += 2) {
      for (std::int64_t e = first; e < first + kPanelWidth; e += kLanes, panels += kLanes) {
        const __mmask16 mask = first_lanes(head_width - e);
        const float* from = values + key * stride + e;
        const __m512 even = key < count ? _mm512_maskz_loadu_ps(mask, from) : _mm512_setzero_ps();
        const __m512 odd = key + 1 < count ? _mm512_maskz_loadu_ps(mask, from + stride) : _mm512_setzero_ps();
        _mm512_storeu_si512(panels, _mm512_permutexvar_epi16(interleave, to_bf16(even, odd)));
      }
    }
  }
}

/// 2^x for x <= 0 with a relative error of 4e-6, far below bf16's rounding: 2^floor(x) times a polynomial. Of its
/// degree it has the minimum of the largest error among those that equal 2^f at both ends of [0, 1].
E5V_BF16 inline __m512 power_of_two(__m512 x) {
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(x, whole);
  __m512 p = _mm512_set1_ps(0.01355575f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.05203237f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.24137976f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.69303212f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, whole);
}

/// The memory of a block. Rows hold the sum of the exponentials and the sum of the values so far, both relative to the
/// largest score. Scores are logarithms with base 2.
struct Block {
  std::int64_t rows, padded_E;
  float* scores;  // [whole pairs of tiles of rows][kScoreStride]; bf16 after they became exponentials
  float* mixed;   // [whole pairs of tiles of rows][padded_E]
  float* q;  // scaled; element e of row r at (r / kTileRows * E + e) * kTileRows + r % kTileRows, or split_query's rows
  float* sums;
  float* largest;

  Block(std::int64_t count, const PackedHeads& packed, std::byte* scratch)
      : rows(count),
        padded_E(packed.padded_head_width()),
        scores(reinterpret_cast<float*>(scratch)),
        mixed(scores + rounded_up(rows, kTilePair) * kScoreStride),
        q(mixed + rounded_up(rows, kTilePair) * padded_E),
        sums(q + rounded_up(rows, kRowUnit) * packed.head_width),
        largest(sums + rows) {
    std::fill_n(mixed, rows * padded_E, 0.0f);
    std::fill_n(sums, rows, 0.0f);
    std::fill_n(largest, rows, std::numeric_limits<float>::lowest());
  }
  static std::size_t bytes(std::int64_t rows, const PackedHeads& packed) {
    return sizeof(float) *
           static_cast<std::size_t>(rounded_up(rows, kTilePair) * (kScoreStride + packed.padded_head_width()) +
                                    2 * rows + rounded_up(rows, kRowUnit) * packed.head_width);
  }
  float* score_row(std::int64_t row) const { return scores + row * kScoreStride; }
};

E5V_BF16 void scale_row(float* x, std::int64_t count, float factor) {
  for (std::int64_t i = 0; i < count; i += kLanes) {
    _mm512_storeu_ps(x + i, _mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(factor)));
  }
}

/// Replaces the first `seen` of a row's scores by exponentials, and the others, up to whole panels, by zeros. The
/// result is bf16 in the same place.
E5V_BF16 void softmax_row(const Block& block, std::int64_t row, std::int64_t seen, std::int64_t count) {
  float* scores = block.score_row(row);
  __m512 best = _mm512_set1_ps(block.largest[row]);
  for (std::int64_t i = 0; i < seen; i += kLanes) {
    best = _mm512_mask_max_ps(best, first_lanes(seen - i), best, _mm512_loadu_ps(scores + i));
  }
  const float now = _mm512_reduce_max_ps(best);
  if (seen > 0 && now > block.largest[row]) {
    const float factor = std::exp2(block.largest[row] - now);
    scale_row(block.mixed + row * block.padded_E, block.padded_E, factor);
    block.sums[row] *= factor;
    block.largest[row] = now;
  }
  const __m512 shift = _mm512_set1_ps(now);
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < count; i += kPanelWidth) {
    __m512 part[2];
    for (int half = 0; half < 2; ++half) {
      const std::int64_t at = i + half * kLanes;
      part[half] =
          _mm512_maskz_mov_ps(first_lanes(seen - at), power_of_two(_mm512_sub_ps(_mm512_loadu_ps(scores + at), shift)));
      sum = _mm512_add_ps(sum, part[half]);
    }
    _mm512_storeu_si512(reinterpret_cast<BFloat16*>(scores) + i, to_bf16(part[0], part[1]));
  }
  block.sums[row] += _mm512_reduce_add_ps(sum);
}

/// Runs tiles over all rows of a block: body(first row, index of the tile for that many rows).
template <class Body>
void for_tiles(std::int64_t rows, const Body& body) {
  for (std::int64_t row = 0; row < rows; row += kTileRows) {
    body(row, static_cast<std::size_t>(std::min<std::int64_t>(kTileRows, rows - row) - 1));
  }
}

/// Scores of `count` keys, in f32.
void score(const Block& block, const float* keys, std::int64_t count, std::int64_t head_width) {
  for (std::int64_t key = 0; key < count; key += kPanelWidth) {
    for_tiles(block.rows, [&](std::int64_t row, std::size_t size) {
      kScoreTiles[size](block.q + row * head_width, keys + key * head_width, head_width, block.score_row(row) + key);
    });
  }
}

/// Adds the exponentials of `count` keys times these keys' values. Panels of values are kPanelWidth * stride apart.
void mix(const Block& block, const BFloat16* values, std::int64_t stride, std::int64_t count) {
  for (std::int64_t e = 0; e < block.padded_E; e += kPanelWidth) {
    for_tiles(block.rows, [&](std::int64_t row, std::size_t size) {
      kMixTiles[size](reinterpret_cast<const Pair*>(block.score_row(row)),
                      reinterpret_cast<const Pair*>(values + e * stride), (count + 1) / 2,
                      block.mixed + row * block.padded_E + e, block.padded_E);
    });
  }
}

/// Computes the block's scores of keys [first, first + count) of a section, and adds their values.
void attend_keys(const Block& block, const PackedHeads& packed, const BlockLayout& layout,
                 const BlockLayout::Section& section, std::int64_t first, std::int64_t count) {
  const std::int64_t E = packed.head_width;
  const float* keys = packed.keys<float>(section.node, layout.kv_head) + first * E;
  const auto* values = packed.values<BFloat16>(section.node, layout.kv_head) + first * kPanelWidth;
  if (splits(E)) {
    split_scores(reinterpret_cast<const BFloat16*>(block.q), block.rows, keys, count, E, block.scores, kScoreStride);
  } else {
    score(block, keys, count, E);
  }
  for (std::int64_t row = 0; row < block.rows; ++row) {
    softmax_row(block, row, std::clamp<std::int64_t>(section.seen_by(layout.query(row)) - first, 0, count), count);
  }
  const std::int64_t stride = packed.rows(section.node);
  if (!has_tiles()) return mix(block, values, stride, count);
  mix_in_tiles(reinterpret_cast<const BFloat16*>(block.scores), 2 * kScoreStride, block.rows, values,
               kPanelWidth * stride, count, block.mixed, block.padded_E);
}

/// out[0, count) = x factor.
E5V_BF16 void finish_row(const float* x, float factor, std::int64_t count, float* out) {
  for (std::int64_t e = 0; e < count; e += kLanes) {
    _mm512_mask_storeu_ps(out + e, first_lanes(count - e),
                          _mm512_mul_ps(_mm512_loadu_ps(x + e), _mm512_set1_ps(factor)));
  }
}
E5V_BF16 void finish_row(const float* x, float factor, std::int64_t count, BFloat16* out) {
  for (std::int64_t e = 0; e < count; e += kLanes) {
    const __m512 value = _mm512_mul_ps(_mm512_loadu_ps(x + e), _mm512_set1_ps(factor));
    _mm256_mask_storeu_epi16(out + e, first_lanes(count - e), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
  }
}

/// Computes the attention of a block of query rows. scratch holds Block::bytes().
void attend(const AttentionArguments& a, const PackedHeads& packed, const BlockLayout& layout, std::byte* scratch) {
  const std::int64_t E = packed.head_width;
  const Block block(layout.rows, packed, scratch);
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const float* from = a.q_QHE.row<float>(layout.query_row(row)) + layout.head(row) * E;
    if (splits(E)) {
      split_query(from, a.scale * kLog2OfE, E, reinterpret_cast<BFloat16*>(block.q) + 2 * row * E);
      continue;
    }
    float* to = block.q + row / kTileRows * kTileRows * E + row % kTileRows;
    for (std::int64_t e = 0; e < E; ++e) to[e * kTileRows] = from[e] * (a.scale * kLog2OfE);
  }
  for (const BlockLayout::Section& section : layout.sections) {
    for (std::int64_t first = 0; first < section.count; first += kKeysAtOnce) {
      attend_keys(block, packed, layout, section, first, std::min(kKeysAtOnce, section.count - first));
    }
  }
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const float* mixed = block.mixed + row * block.padded_E;
    const float factor = 1.0f / block.sums[row];
    const std::int64_t to = layout.query_row(row), column = layout.head(row) * E;
    if (a.out_QHE.dtype == tensor::DType::f32) {
      finish_row(mixed, factor, E, a.out_QHE.row<float>(to) + column);
    } else {
      finish_row(mixed, factor, E, a.out_QHE.row<BFloat16>(to) + column);
    }
  }
}

}  // namespace

void attention_bf16(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const std::int64_t head_width = arguments.q_QHE.columns / arguments.heads;
  const PackedHeads packed(plan, arguments.kv_heads, head_width, {tensor::DType::f32, kPanelWidth},
                           {tensor::DType::bf16, kPanelWidth, has_tiles() ? kTileKeys : 2}, arena);
  const auto pack_keys = [&](const float* keys, std::int64_t stride, std::int64_t rows, std::int64_t node,
                             std::int64_t head) {
    if (!splits(head_width)) return packed.pack_float_keys(keys, stride, rows, node, head);
    pack_split_keys(keys, stride, rows, head_width, packed.keys<float>(node, head));
  };
  const auto pack = [&](const float* values, std::int64_t stride, std::int64_t rows, std::int64_t node,
                        std::int64_t head) {
    pack_values(values, stride, rows, packed.rows(node), head_width,
                reinterpret_cast<Pair*>(packed.values<BFloat16>(node, head)));
  };
  attend_in_blocks(arguments, plan, packed, pack_keys, pack, [&](const BlockLayout& layout) {
    attend(arguments, packed, layout, thread_scratch(Block::bytes(layout.rows, packed)));
  });
}

}  // namespace e5v::ops::cpu

#else

namespace e5v::ops::cpu {
void attention_bf16(const AttentionArguments&, const AttentionPlan&, tensor::Arena&) {
  fail<DeviceError>("[attention] this CPU has no bf16 instructions");
}
}  // namespace e5v::ops::cpu

#endif

#pragma once
#include <cstdint>

#include "tensor/dtype.h"

/// The two products of attention in tiles (AMX). Scores need more than bf16's 8 bits, so queries and keys are sums of
/// two bf16 numbers, high and low. All their products except low times low are summed, which keeps 16 bits. All numbers
/// must be finite in bf16, also those of masked keys, because a step multiplies 32 keys, some of them by zero.
///
/// Legend: E head width.
namespace e5v::ops::cpu {

constexpr std::int64_t kTileKeys = 32;  ///< keys of a panel, and of a step of a sum of values

/// Whether scores for this head width can be computed in tiles, on a CPU that has them.
constexpr bool scores_fit_tiles(std::int64_t head_width) { return head_width % 32 == 0 && head_width <= 256; }

/// Stores the high parts of scale x, then the low ones: bf16 [2 E].
void split_query(const float* x, float scale, std::int64_t head_width, tensor::BFloat16* to);

/// Packs keys into panels [ceil(count / 32)][E words][32]: low parts, then high ones. A word holds two adjacent
/// elements of a key. The padding is zero. A panel takes as much memory as its keys in f32.
void pack_split_keys(const float* keys, std::int64_t stride, std::int64_t count, std::int64_t head_width,
                     float* panels);

/// scores[rows][count] = split queries [rows][2 E] times the first `count` keys of panels, in whole panels. Rows of
/// scores are `stride` apart, and there must be memory for whole pairs of tiles of rows.
void split_scores(const tensor::BFloat16* queries, std::int64_t rows, const float* panels, std::int64_t count,
                  std::int64_t head_width, float* scores, std::int64_t stride);

/// mixed[rows][columns] += weights[rows][count] times values. Values are in panels of 32 columns [16 ceil(count /
/// 32)][32] of words with two keys' values, panel_stride values apart. Weights are bf16 with rows weight_stride apart,
/// and zero from `count` to whole steps. columns is a multiple of 32 and the distance of rows of mixed. There must be
/// memory for whole pairs of tiles of rows.
void mix_in_tiles(const tensor::BFloat16* weights, std::int64_t weight_stride, std::int64_t rows,
                  const tensor::BFloat16* values, std::int64_t panel_stride, std::int64_t count, float* mixed,
                  std::int64_t columns);

}  // namespace e5v::ops::cpu

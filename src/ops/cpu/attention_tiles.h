#pragma once
#include <cstdint>

#include "tensor/dtype.h"

/// The two products of attention in tiles (AMX). Scores need more than bf16's 8 bits: queries and keys are sums of two
/// numbers of bf16, high and low, and of their products all but low by low are summed, so that 16 bits are left. All
/// numbers must be finite in bf16, those of keys that are masked, too: a step multiplies 32 keys, if by zero.
///
/// Legend: E head width.
namespace e5v::ops::cpu {

constexpr std::int64_t kTileKeys = 32;  ///< of a panel, and of a step of a mix

/// Whether scores of heads so wide can be had in tiles, on a CPU that has them.
constexpr bool scores_fit_tiles(std::int64_t head_width) { return head_width % 32 == 0 && head_width <= 256; }

/// to = high parts of scale x, then low ones: bf16 [2 E].
void split_query(const float* x, float scale, std::int64_t head_width, tensor::BFloat16* to);

/// Keys in panels [ceil(count / 32)][E words][32], a word holding two neighbours of a key: low parts, then high ones;
/// what is beyond `count` is zero. A panel takes as much memory as its keys in f32.
void pack_split_keys(const float* keys, std::int64_t stride, std::int64_t count, std::int64_t head_width,
                     float* panels);

/// scores[rows][count] of split queries [rows][2 E] by the first `count` keys of panels, whole panels of them; rows of
/// scores lie `stride` apart, and whole pairs of tiles of rows must be there.
void split_scores(const tensor::BFloat16* queries, std::int64_t rows, const float* panels, std::int64_t count,
                  std::int64_t head_width, float* scores, std::int64_t stride);

/// mixed[rows][columns] += weights[rows][count] values, in panels of 32 columns [16 ceil(count / 32)][32] of words that
/// hold two keys' values, panel_stride values apart. Weights are bf16, rows weight_stride of them apart, and zero from
/// `count` to whole steps; columns are a multiple of 32, and rows of mixed lie so many apart. Whole pairs of tiles of
/// rows must be there.
void mix_in_tiles(const tensor::BFloat16* weights, std::int64_t weight_stride, std::int64_t rows,
                  const tensor::BFloat16* values, std::int64_t panel_stride, std::int64_t count, float* mixed,
                  std::int64_t columns);

}  // namespace e5v::ops::cpu

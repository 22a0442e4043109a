// Scores and sums of values are small matrix products over panels: transposed keys, and values as they are, both cut
// into strips of two vectors, so that one kernel computes both. A task takes a block of query rows and one kv head. The
// query heads that share the kv head are further rows of the block, so that even a single query fills the kernel. Keys
// come in chunks. When a chunk has a row's largest score so far, the row's sums are scaled down (Milakov and
// Gimelshein, "Online normalizer calculation for softmax", 2018).
//
// Legend: E head width, G query heads per kv head, N panel width.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/attention.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "ops/cpu/attention_layout.h"
#include "ops/cpu/float_tile-inl.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

constexpr std::int64_t kKeysAtOnce = 256;  // a panel of their values stays in the first-level cache
// Not a power of two, so that rows of scores do not use the same lines of a cache.
constexpr std::int64_t kScoreStride = kKeysAtOnce + 16;

/// Largest of x[0, count) and `start`.
float largest(const float* x, std::int64_t count, float start) {
  const FloatTag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto best = hn::Set(d, start);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) best = hn::Max(best, load(x + i));
  float result = hn::GetLane(hn::MaxOfLanes(d, best));
  for (; i < count; ++i) result = std::max(result, x[i]);
  return result;
}

/// Computes x[i] = exp(x[i] - shift) for i in [0, count), and returns the sum.
float exponentials(float* x, std::int64_t count, float shift) {
  const FloatTag d;
  const auto offset = hn::Set(d, shift);
  const auto size = static_cast<std::size_t>(count);
  transform(
      size, x, [=](auto v) HWY_ATTR { return hn::Exp(d, hn::Sub(v, offset)); }, x);
  return sum_of(
      size, [](auto v) HWY_ATTR { return v; }, x);
}

/// Packs the values of one head of one node into panels of N columns: [ceil(E / N)][count][N]. The last one is padded
/// with zeros.
void pack_values(const float* values, std::int64_t stride, std::int64_t count, std::int64_t head_width, float* panels) {
  const auto panel_width = float_panel_width();
  for (std::int64_t first = 0; first < head_width; first += panel_width) {
    const std::int64_t used = std::min(panel_width, head_width - first);
    for (std::int64_t key = 0; key < count; ++key, panels += panel_width) {
      std::copy_n(values + key * stride + first, used, panels);
      std::fill(panels + used, panels + panel_width, 0.0f);
    }
  }
}

/// The memory of a block. Rows hold the sum of the exponentials and the sum of the values so far, both relative to the
/// largest score.
struct Block {
  std::int64_t rows, padded_E;
  float* q;       // [rows][E], scaled
  float* scores;  // [rows][kScoreStride]
  float* mixed;   // [rows][padded_E]
  float* sums;
  float* largest;

  Block(std::int64_t count, const PackedHeads& packed, float* scratch)
      : rows(count),
        padded_E(packed.padded_head_width()),
        q(scratch),
        scores(q + rows * packed.head_width),
        mixed(scores + rows * kScoreStride),
        sums(mixed + rows * padded_E),
        largest(sums + rows) {
    std::fill_n(mixed, rows * padded_E + rows, 0.0f);
    std::fill_n(largest, rows, std::numeric_limits<float>::lowest());
  }
};

std::int64_t attention_scratch(const PackedHeads& packed, std::int64_t rows) {
  return rows * (packed.head_width + kScoreStride + packed.padded_head_width() + 2);
}

/// Replaces the first `seen` of a row's `count` scores by exponentials, and the others by zeros.
void softmax_row(const Block& block, std::int64_t row, std::int64_t seen, std::int64_t count) {
  float* scores = block.scores + row * kScoreStride;
  std::fill(scores + seen, scores + count, 0.0f);
  if (seen == 0) return;
  const float before = block.largest[row], now = largest(scores, seen, before);
  if (now > before) {
    const float factor = std::exp(before - now);
    float* mixed = block.mixed + row * block.padded_E;
    transform(
        static_cast<std::size_t>(block.padded_E), mixed,
        [=](auto v) HWY_ATTR { return hn::Mul(v, hn::Set(FloatTag(), factor)); }, mixed);
    block.sums[row] *= factor;
    block.largest[row] = now;
  }
  block.sums[row] += exponentials(scores, seen, now);
}

/// Computes the attention of a block of query rows. scratch holds attention_scratch() floats.
void attend(const AttentionArguments& a, const PackedHeads& packed, const BlockLayout& layout, float* scratch) {
  const std::int64_t E = packed.head_width, N = packed.key_panel.width;
  const Block block(layout.rows, packed, scratch);
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const auto scale = hn::Set(FloatTag(), a.scale);
    const float* from = a.q_QHE.row<float>(layout.query_row(row)) + layout.head(row) * E;
    transform(
        static_cast<std::size_t>(E), block.q + row * E, [=](auto v) HWY_ATTR { return hn::Mul(v, scale); }, from);
  }
  for (const auto& section : layout.sections) {
    for (std::int64_t first = 0; first < section.count; first += kKeysAtOnce) {
      const std::int64_t count = std::min(kKeysAtOnce, section.count - first);
      const float* keys = packed.keys<float>(section.node, layout.kv_head) + first * E;
      for (std::int64_t key = 0; key < count; key += N) {
        float_tiles(block.rows, block.q, E, keys + key * E, E, block.scores + key, kScoreStride, false);
      }
      for (std::int64_t row = 0; row < block.rows; ++row) {
        const std::int64_t seen = std::clamp<std::int64_t>(section.seen_by(layout.query(row)) - first, 0, count);
        softmax_row(block, row, seen, count);
      }
      const float* values = packed.values<float>(section.node, layout.kv_head) + first * N;
      for (std::int64_t e = 0; e < block.padded_E; e += N) {
        float_tiles(block.rows, block.scores, kScoreStride, values + e * packed.rows(section.node), count,
                    block.mixed + e, block.padded_E, true);
      }
    }
  }
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const auto factor = hn::Set(FloatTag(), 1.0f / block.sums[row]);
    const auto divide = [=](auto v) HWY_ATTR { return hn::Mul(v, factor); };
    const float* mixed = block.mixed + row * block.padded_E;
    const std::int64_t to = layout.query_row(row), column = layout.head(row) * E;
    if (a.out_QHE.dtype == tensor::DType::f32) {
      transform(static_cast<std::size_t>(E), a.out_QHE.row<float>(to) + column, divide, mixed);
    } else {
      transform(static_cast<std::size_t>(E), a.out_QHE.row<tensor::BFloat16>(to) + column, divide, mixed);
    }
  }
}

std::int64_t panel_width() { return float_panel_width(); }

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(pack_values);
HWY_EXPORT(attend);
HWY_EXPORT(attention_scratch);
HWY_EXPORT(panel_width);

void attention(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const std::int64_t head_width = arguments.q_QHE.columns / arguments.heads;
  const PanelShape panel{tensor::DType::f32, HWY_DYNAMIC_DISPATCH(panel_width)()};
  const PackedHeads packed(plan, arguments.kv_heads, head_width, panel, panel, arena);
  const auto pack_values = [&](const float* values, std::int64_t stride, std::int64_t rows, std::int64_t node,
                               std::int64_t head) {
    HWY_DYNAMIC_DISPATCH(pack_values)(values, stride, rows, head_width, packed.values<float>(node, head));
  };
  const auto pack_keys = [&](const float* keys, std::int64_t stride, std::int64_t rows, std::int64_t node,
                             std::int64_t head) { packed.pack_float_keys(keys, stride, rows, node, head); };
  attend_in_blocks(arguments, plan, packed, pack_keys, pack_values, [&](const BlockLayout& layout) {
    const std::int64_t floats = HWY_DYNAMIC_DISPATCH(attention_scratch)(packed, layout.rows);
    auto* scratch = reinterpret_cast<float*>(thread_scratch(static_cast<std::size_t>(floats) * sizeof(float)));
    HWY_DYNAMIC_DISPATCH(attend)(arguments, packed, layout, scratch);
  });
}

}  // namespace e5v::ops::cpu
#endif

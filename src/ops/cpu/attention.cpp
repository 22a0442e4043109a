// Scores and mixes are small matrix products over panels: keys transposed and values as they are, both cut into strips
// as wide as two vectors, so that one kernel serves both. A task takes a block of query rows against one kv head; the
// query heads that share it stand in the block as further rows, so even a single query fills the kernel.
//
// Legend: E head width, G query heads per kv head, N panel width, L keys on a span's path.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/attention.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>

#include "base/parallel.h"
#include "ops/cpu/attention_layout.h"
#include "ops/cpu/float_tile-inl.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace e5v::ops::cpu::HWY_NAMESPACE {

constexpr std::int64_t kKeysAtOnce = 256;  // of a value panel, to stay in the first-level cache

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

/// x[i] = exp(x[i] - shift) for i in [0, count); gives their sum.
float exponentials(float* x, std::int64_t count, float shift) {
  const FloatTag d;
  const auto offset = hn::Set(d, shift);
  const auto size = static_cast<std::size_t>(count);
  transform(
      size, x, [=](auto v) HWY_ATTR { return hn::Exp(d, hn::Sub(v, offset)); }, x);
  return sum_of(size, x, [](auto v) HWY_ATTR { return v; });
}

/// Keys of one head of one node, transposed into panels: [ceil(count / N)][E][N], the last one padded with zeros.
void pack_keys(const float* keys, std::int64_t stride, std::int64_t count, std::int64_t head_width, float* panels) {
  const auto panel_width = float_panel_width();
  for (std::int64_t first = 0; first < count; first += panel_width) {
    const std::int64_t used = std::min(panel_width, count - first);
    for (std::int64_t e = 0; e < head_width; ++e) {
      for (std::int64_t j = 0; j < used; ++j) panels[e * panel_width + j] = keys[(first + j) * stride + e];
      std::fill(panels + e * panel_width + used, panels + (e + 1) * panel_width, 0.0f);
    }
    panels += head_width * panel_width;
  }
}

/// Values of one head of one node in panels of N columns: [ceil(E / N)][count][N], the last one padded with zeros.
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

/// softmax without its division, in place, over what one row sees of each section; the rest of what the block sees
/// becomes zero. Gives the sum to divide by.
float softmax_row(const BlockLayout& block, std::int64_t query, float* scores) {
  float shift = std::numeric_limits<float>::lowest();
  for (const auto& section : block.sections) {
    shift = largest(scores + section.column, section.seen_by(query), shift);
  }
  float sum = 0;
  for (const auto& section : block.sections) {
    const std::int64_t seen = section.seen_by(query);
    sum += exponentials(scores + section.column, seen, shift);
    std::fill(scores + section.column + seen, scores + section.column + section.count, 0.0f);
  }
  return sum;
}

/// Attention of one block of query rows. scratch holds block.scratch_floats() floats.
void attend(const AttentionArguments& a, const PackedHeads& packed, const BlockLayout& block, float* scratch) {
  const std::int64_t E = packed.head_width, N = packed.panel_width, padded_E = packed.padded_head_width();
  float* q = scratch;
  float* scores = q + block.rows * E;
  float* mixed = scores + block.rows * block.columns;
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const auto scale = hn::Set(FloatTag(), a.scale);
    const float* from = a.q_QHE.row<float>(block.query_row(row)) + block.head(row) * E;
    transform(
        static_cast<std::size_t>(E), q + row * E, [=](auto v) HWY_ATTR { return hn::Mul(v, scale); }, from);
  }
  for (const auto& section : block.sections) {
    const float* panel = packed.keys(section.node, block.kv_head);
    for (std::int64_t key = 0; key < section.count; key += N, panel += E * N) {
      float_tiles(block.rows, q, E, panel, E, scores + section.column + key, block.columns, false);
    }
  }
  bool add = false;
  float* sums = mixed + block.rows * padded_E;
  for (std::int64_t row = 0; row < block.rows; ++row) {
    sums[row] = softmax_row(block, block.query(row), scores + row * block.columns);
  }
  for (const auto& section : block.sections) {
    const float* values = packed.values(section.node, block.kv_head);
    for (std::int64_t key = 0; key < section.count; key += kKeysAtOnce, add = true) {
      const std::int64_t keys = std::min(kKeysAtOnce, section.count - key);
      for (std::int64_t e = 0; e < padded_E; e += N) {
        const float* panel = values + e * packed.rows(section.node) + key * N;
        float_tiles(block.rows, scores + section.column + key, block.columns, panel, keys, mixed + e, padded_E, add);
      }
    }
  }
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const auto factor = hn::Set(FloatTag(), 1.0f / sums[row]);
    const auto divide = [=](auto v) HWY_ATTR { return hn::Mul(v, factor); };
    const std::int64_t to = block.query_row(row), column = block.head(row) * E;
    if (a.out_QHE.dtype == tensor::DType::f32) {
      transform(static_cast<std::size_t>(E), a.out_QHE.row<float>(to) + column, divide, mixed + row * padded_E);
    } else {
      transform(static_cast<std::size_t>(E), a.out_QHE.row<tensor::BFloat16>(to) + column, divide,
                mixed + row * padded_E);
    }
  }
}

std::int64_t panel_width() { return float_panel_width(); }

}  // namespace e5v::ops::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace e5v::ops::cpu {

HWY_EXPORT(pack_keys);
HWY_EXPORT(pack_values);
HWY_EXPORT(attend);
HWY_EXPORT(panel_width);

void attention(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const std::int64_t head_width = arguments.q_QHE.columns / arguments.heads;
  const PackedHeads packed(plan, arguments.kv_heads, head_width, HWY_DYNAMIC_DISPATCH(panel_width)(), arena);
  const auto nodes = static_cast<std::int64_t>(plan.nodes.size());
  parallel_for(nodes * arguments.kv_heads, 1, [&](std::int64_t task) {
    const std::int64_t node = task / arguments.kv_heads, head = task % arguments.kv_heads;
    const RowRange rows = plan.nodes[static_cast<std::size_t>(node)];
    const float* keys = arguments.k_TKE.row<float>(rows.begin) + head * head_width;
    const float* values = arguments.v_TKE.row<float>(rows.begin) + head * head_width;
    HWY_DYNAMIC_DISPATCH(pack_keys)(keys, arguments.k_TKE.stride, rows.count, head_width, packed.keys(node, head));
    HWY_DYNAMIC_DISPATCH(pack_values)
    (values, arguments.v_TKE.stride, rows.count, head_width, packed.values(node, head));
  });
  const std::vector<BlockTask> tasks = block_tasks(plan, arguments.heads / arguments.kv_heads, arguments.kv_heads);
  parallel_for(static_cast<std::int64_t>(tasks.size()), 1, [&](std::int64_t index) {
    const BlockLayout block(plan, tasks[static_cast<std::size_t>(index)], packed.panel_width);
    std::byte* scratch = thread_scratch(static_cast<std::size_t>(block.scratch_floats(packed)) * sizeof(float));
    HWY_DYNAMIC_DISPATCH(attend)(arguments, packed, block, reinterpret_cast<float*>(scratch));
  });
}

}  // namespace e5v::ops::cpu
#endif

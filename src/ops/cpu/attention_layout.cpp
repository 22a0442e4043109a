#include "ops/cpu/attention_layout.h"

#include <algorithm>

#include "ops/cpu/rows.h"

namespace e5v::ops::cpu {
namespace {

constexpr std::int64_t kBlockRows = 96;  // whole tiles; with their scores they stay in a second-level cache

const RowRange& node_of(const AttentionPlan& plan, std::int32_t index) {
  return plan.nodes[static_cast<std::size_t>(index)];
}

}  // namespace

PackedHeads::PackedHeads(const AttentionPlan& plan, std::int64_t kv_heads, std::int64_t width, PanelShape keys,
                         PanelShape values, tensor::Arena& arena)
    : head_width(width), key_panel(keys), value_panel(values) {
  nodes.reserve(plan.nodes.size());
  for (const RowRange& node : plan.nodes) {
    const std::int64_t rows = rounded_up(node.count, value_panel.depth);
    nodes.push_back({rows, total_rows, padded_rows});
    total_rows += rows;
    padded_rows += rounded_up(node.count, key_panel.width);
  }
  key_rows = arena.matrix(key_panel.dtype, kv_heads * padded_rows, head_width);
  value_rows = arena.matrix(value_panel.dtype, kv_heads * total_rows, padded_head_width());
}

std::int64_t PackedHeads::padded_head_width() const { return rounded_up(head_width, value_panel.width); }

void PackedHeads::pack_float_keys(const float* from, std::int64_t stride, std::int64_t count, std::int64_t node,
                                  std::int64_t kv_head) const {
  float* panels = keys<float>(node, kv_head);
  const std::int64_t width = key_panel.width;
  for (std::int64_t first = 0; first < count; first += width, panels += head_width * width) {
    const std::int64_t used = std::min(width, count - first);
    for (std::int64_t e = 0; e < head_width; ++e) {
      float* row = panels + e * width;
      for (std::int64_t j = 0; j < used; ++j) row[j] = from[(first + j) * stride + e];
      std::fill(row + used, row + width, 0.0f);
    }
  }
}

std::vector<BlockTask> block_tasks(const AttentionPlan& plan, std::int64_t group, std::int64_t kv_heads) {
  std::vector<BlockTask> tasks;
  for (std::size_t index = 0; index < plan.spans.size(); ++index) {
    const AttentionPlan::Span& span = plan.spans[index];
    const std::int64_t rows = span.queries.count * group;
    for (std::int64_t first = 0; first < rows; first += kBlockRows) {
      const std::int64_t count = std::min(kBlockRows, rows - first);
      for (std::int64_t head = 0; head < kv_heads; ++head) {
        tasks.push_back({static_cast<std::int32_t>(index), head, group, first, count});
      }
    }
  }
  return tasks;
}

BlockLayout::BlockLayout(const AttentionPlan& plan, const BlockTask& task)
    : kv_head(task.kv_head), group(task.group), first_row(task.first_row), rows(task.rows) {
  const AttentionPlan::Span& span = plan.spans[static_cast<std::size_t>(task.span)];
  query_begin = span.queries.begin;
  for (const std::int32_t index : span.path) {
    const RowRange& node = node_of(plan, index);
    Section section{index, node.count, 0, node.count};
    if (span.causal && index == span.path.back()) {
      section.unseen = span.queries.count - 1;
      section.count = section.seen_by(query(rows - 1));
    }
    sections.push_back(section);
  }
}

}  // namespace e5v::ops::cpu

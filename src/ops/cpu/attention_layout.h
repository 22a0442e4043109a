#pragma once
#include <cstdint>
#include <vector>

#include "base/parallel.h"
#include "ops/attention.h"
#include "tensor/arena.h"

/// The memory layout of attention: packed keys and values, and the blocks of query rows of tasks.
namespace e5v::ops::cpu {

/// The panels that a kernel needs.
struct PanelShape {
  tensor::DType dtype = tensor::DType::f32;
  std::int64_t width = 0;  ///< keys of a panel of keys, columns of a panel of values
  std::int64_t depth = 1;  ///< rows of values that are multiplied at once; a node is padded to a multiple
};

/// Keys and values of all nodes and kv heads in panels. A kernel's pack_keys and pack_values describe a panel's layout.
struct PackedHeads {
  PackedHeads(const AttentionPlan& plan, std::int64_t kv_heads, std::int64_t head_width, PanelShape keys,
              PanelShape values, tensor::Arena& arena);

  /// The head width in whole panels, which sums of values have.
  std::int64_t padded_head_width() const;
  /// The rows of a node's values, in whole depths.
  std::int64_t rows(std::int64_t node) const { return nodes[static_cast<std::size_t>(node)].rows; }
  template <class T>
  T* keys(std::int64_t node, std::int64_t kv_head) const {
    const Node& place = nodes[static_cast<std::size_t>(node)];
    return key_rows.row<T>(kv_head * padded_rows + place.padded_begin);
  }
  template <class T>
  T* values(std::int64_t node, std::int64_t kv_head) const {
    return value_rows.row<T>(kv_head * total_rows + nodes[static_cast<std::size_t>(node)].begin);
  }

  /// Transposes keys of one head of one node into panels [ceil(count / width)][E][width] of f32. The padding is zero.
  void pack_float_keys(const float* from, std::int64_t stride, std::int64_t count, std::int64_t node,
                       std::int64_t kv_head) const;

  struct Node {
    std::int64_t rows, begin, padded_begin;  // rows before this node, in whole depths and in whole panels
  };
  std::vector<Node> nodes;
  std::int64_t head_width, total_rows = 0, padded_rows = 0;
  PanelShape key_panel, value_panel;
  tensor::Matrix key_rows, value_rows;  // memory with this number of rows; panels have another order
};

/// A run of the query rows of one span for one kv head. Row r of a span is query r / G with head r % G.
struct BlockTask {
  std::int32_t span;
  std::int64_t kv_head, group, first_row, rows;
};

/// Divides every span into tasks.
std::vector<BlockTask> block_tasks(const AttentionPlan& plan, std::int64_t group, std::int64_t kv_heads);

/// The keys that a task's rows attend to: one section for each node of the path.
struct BlockLayout {
  struct Section {
    std::int64_t node, count;  // count: keys that any row of the block attends to
    std::int64_t unseen;       // keys at the end of the node that query 0 of the span does not attend to
    std::int64_t total;        // all keys of the node
    std::int64_t seen_by(std::int64_t query) const { return unseen == 0 ? count : total - unseen + query; }
  };

  BlockLayout(const AttentionPlan& plan, const BlockTask& task);

  std::int64_t query(std::int64_t row) const { return (first_row + row) / group; }
  std::int64_t query_row(std::int64_t row) const { return query_begin + query(row); }
  std::int64_t head(std::int64_t row) const { return kv_head * group + (first_row + row) % group; }

  std::int64_t kv_head, group, first_row, rows, query_begin;
  std::vector<Section> sections;
};

/// Calls pack_keys(keys, stride, rows, node, kv head), and pack_values likewise, for all nodes and heads. Then calls
/// attend(layout) for each block of query rows. Both run on all threads.
template <class PackKeys, class PackValues, class Attend>
void attend_in_blocks(const AttentionArguments& a, const AttentionPlan& plan, const PackedHeads& packed,
                      const PackKeys& pack_keys, const PackValues& pack_values, const Attend& attend) {
  const std::int64_t E = packed.head_width;
  parallel_for(static_cast<std::int64_t>(plan.nodes.size()) * a.kv_heads, 1, [&](std::int64_t task) {
    const std::int64_t node = task / a.kv_heads, head = task % a.kv_heads;
    const RowRange rows = plan.nodes[static_cast<std::size_t>(node)];
    pack_keys(a.k_TKE.row<float>(rows.begin) + head * E, a.k_TKE.stride, rows.count, node, head);
    pack_values(a.v_TKE.row<float>(rows.begin) + head * E, a.v_TKE.stride, rows.count, node, head);
  });
  const std::vector<BlockTask> tasks = block_tasks(plan, a.heads / a.kv_heads, a.kv_heads);
  parallel_for(static_cast<std::int64_t>(tasks.size()), 1,
               [&](std::int64_t index) { attend(BlockLayout(plan, tasks[static_cast<std::size_t>(index)])); });
}

}  // namespace e5v::ops::cpu

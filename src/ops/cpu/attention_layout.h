#pragma once
#include <cstdint>
#include <vector>

#include "ops/attention.h"
#include "tensor/arena.h"

/// How attention lies in memory: packed keys and values, and the blocks of query rows that tasks work on.
namespace e5v::ops::cpu {

/// Keys and values of all nodes and kv heads in panels; see pack_keys and pack_values for a panel's layout.
struct PackedHeads {
  PackedHeads(const AttentionPlan& plan, std::int64_t kv_heads, std::int64_t head_width, std::int64_t panel_width,
              tensor::Arena& arena);

  std::int64_t padded_head_width() const { return (head_width + panel_width - 1) / panel_width * panel_width; }
  std::int64_t rows(std::int64_t node) const { return nodes[static_cast<std::size_t>(node)].rows; }
  float* keys(std::int64_t node, std::int64_t kv_head) const {
    return key_data + (kv_head * padded_rows + nodes[static_cast<std::size_t>(node)].padded_begin) * head_width;
  }
  float* values(std::int64_t node, std::int64_t kv_head) const {
    return value_data + (kv_head * total_rows + nodes[static_cast<std::size_t>(node)].begin) * padded_head_width();
  }

  struct Node {
    std::int64_t rows, begin, padded_begin;  // rows before it, as they are and padded to whole panels
  };
  std::vector<Node> nodes;
  std::int64_t head_width, panel_width, total_rows = 0, padded_rows = 0;
  float* key_data = nullptr;
  float* value_data = nullptr;
};

/// A run of the query rows of one span against one kv head. Row r of a span is query r / G under head r % G.
struct BlockTask {
  std::int32_t span;
  std::int64_t kv_head, group, first_row, rows;
};

/// Cuts every span into tasks.
std::vector<BlockTask> block_tasks(const AttentionPlan& plan, std::int64_t group, std::int64_t kv_heads);

/// What a task's rows see: one section of keys for each node of the path.
struct BlockLayout {
  struct Section {
    std::int64_t node, count;  // count: keys that any row of the block sees
    std::int64_t unseen;       // keys at the end of the node that query 0 of the span does not see
    std::int64_t total;        // keys of the node
    std::int64_t seen_by(std::int64_t query) const { return unseen == 0 ? count : total - unseen + query; }
  };

  BlockLayout(const AttentionPlan& plan, const BlockTask& task);

  std::int64_t query(std::int64_t row) const { return (first_row + row) / group; }
  std::int64_t query_row(std::int64_t row) const { return query_begin + query(row); }
  std::int64_t head(std::int64_t row) const { return kv_head * group + (first_row + row) % group; }

  std::int64_t kv_head, group, first_row, rows, query_begin;
  std::vector<Section> sections;
};

}  // namespace e5v::ops::cpu

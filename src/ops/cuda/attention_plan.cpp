#include "ops/cuda/attention_plan.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace e5v::ops::cuda {
namespace {

constexpr std::int64_t kTileRows = 128, kSmallTileRows = 64;
constexpr std::int64_t kBlocks = 264;  // two for each multiprocessor of an H100

std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

const RowRange& node_of(const AttentionPlan& plan, std::int32_t index) {
  return plan.nodes[static_cast<std::size_t>(index)];
}

template <class Record>
std::size_t append(const std::vector<Record>& records, std::vector<std::int32_t>& words) {
  static_assert(std::is_trivially_copyable_v<Record> && alignof(Record) == alignof(std::int32_t));
  const std::size_t begin = words.size();
  words.resize(begin + records.size() * sizeof(Record) / sizeof(std::int32_t));
  if (!records.empty()) std::memcpy(words.data() + begin, records.data(), records.size() * sizeof(Record));
  return begin;
}

/// Large tiles read keys from shared memory half as often, but need enough rows, and enough tiles for the whole GPU.
std::int64_t tile_rows_for(const AttentionPlan& plan, std::int64_t group, std::int64_t kv_heads) {
  std::int64_t large = 0, small = 0;
  for (const AttentionPlan::Span& span : plan.spans) {
    const std::int64_t rows = span.queries.count * group;
    large += (rows + kTileRows - 1) / kTileRows;
    small += (rows + kSmallTileRows - 1) / kSmallTileRows;
  }
  const bool filled = large * 2 * 4 <= small * 5;
  return filled && large * kv_heads >= kBlocks ? kTileRows : kSmallTileRows;
}

/// Writes the parts that attention reads.
void pack_queries(const AttentionPlan& plan, std::int64_t group, std::int64_t tile_rows, PackedPlan& packed) {
  std::vector<QueryTile> tiles;
  std::vector<KeySection> sections;
  for (const AttentionPlan::Span& span : plan.spans) {
    const std::int32_t first_section = narrow(static_cast<std::int64_t>(sections.size()));
    std::int64_t keys = 0;
    for (const std::int32_t index : span.path) {
      const RowRange& node = node_of(plan, index);
      sections.push_back({narrow(keys + node.count), narrow(node.begin - keys)});
      keys += node.count;
    }
    const std::int64_t unseen = span.causal ? span.queries.count - 1 : 0, rows = span.queries.count * group;
    for (std::int64_t first = 0; first < rows; first += tile_rows) {
      tiles.push_back({narrow(span.queries.begin), narrow(first), narrow(std::min(tile_rows, rows - first)),
                       first_section, narrow(keys - unseen), span.causal ? 1 : 0});
    }
  }
  const auto length = [group](const QueryTile& tile) {
    return tile.seen_first + tile.causal * ((tile.first_row + tile.rows - 1) / group);
  };
  std::stable_sort(tiles.begin(), tiles.end(),
                   [&](const QueryTile& a, const QueryTile& b) { return length(a) > length(b); });
  packed.tile_rows = narrow(tile_rows);
  packed.query_tile_count = narrow(static_cast<std::int64_t>(tiles.size()));
  append(tiles, packed.words);
  packed.key_sections = append(sections, packed.words);
}

/// The spans that read each node. Those that attend to a part of it come first.
std::vector<std::vector<const AttentionPlan::Span*>> readers_of_nodes(const AttentionPlan& plan) {
  std::vector<std::vector<const AttentionPlan::Span*>> readers(plan.nodes.size());
  for (const bool own : {true, false}) {
    for (const AttentionPlan::Span& span : plan.spans) {
      if (span.queries.count == 0) continue;
      for (std::size_t i = 0; i < span.path.size(); ++i) {
        const bool part = span.causal && i + 1 == span.path.size();
        if (part == own) readers[static_cast<std::size_t>(span.path[i])].push_back(&span);
      }
    }
  }
  return readers;
}

/// Writes the parts that only the backward pass reads.
void pack_keys(const AttentionPlan& plan, PackedPlan& packed) {
  std::vector<KeyTile> tiles;
  std::vector<QuerySection> sections;
  const auto readers = readers_of_nodes(plan);
  for (std::size_t index = 0; index < plan.nodes.size(); ++index) {
    const RowRange& node = plan.nodes[index];
    const std::size_t first_section = sections.size();
    std::int64_t queries = 0;
    for (const AttentionPlan::Span* span : readers[index]) {
      const std::int64_t count = span->queries.count;
      const bool part = span->causal && span->path.back() == static_cast<std::int32_t>(index);
      const std::int64_t seen_first = part ? node.count - count + 1 - queries : node.count;
      sections.push_back({narrow(queries + count), narrow(span->queries.begin - queries), narrow(seen_first), part});
      queries += count;
    }
    if (queries == 0) continue;
    const QuerySection& leading = sections[first_section];
    for (std::int64_t first = 0; first < node.count; first += kAttentionKeys) {
      // Query i of the leading section attends to the tile's first key if seen_first + i > first.
      const std::int64_t skipped = leading.causal == 0 ? 0 : std::max<std::int64_t>(0, first + 1 - leading.seen_first);
      tiles.push_back({narrow(node.begin), narrow(first),
                       narrow(std::min<std::int64_t>(kAttentionKeys, node.count - first)),
                       narrow(static_cast<std::int64_t>(first_section)), narrow(skipped), narrow(queries)});
    }
  }
  std::stable_sort(tiles.begin(), tiles.end(), [](const KeyTile& a, const KeyTile& b) {
    return a.query_end - a.query_begin > b.query_end - b.query_begin;
  });
  packed.key_tile_count = narrow(static_cast<std::int64_t>(tiles.size()));
  packed.key_tiles = append(tiles, packed.words);
  packed.query_sections = append(sections, packed.words);
}

}  // namespace

DevicePlan PackedPlan::at(const void* device) const {
  const auto* base = static_cast<const std::int32_t*>(device);
  DevicePlan plan;
  plan.query_tiles = reinterpret_cast<const QueryTile*>(base);
  plan.key_sections = reinterpret_cast<const KeySection*>(base + key_sections);
  plan.key_tiles = reinterpret_cast<const KeyTile*>(base + key_tiles);
  plan.query_sections = reinterpret_cast<const QuerySection*>(base + query_sections);
  plan.query_tile_count = query_tile_count;
  plan.key_tile_count = key_tile_count;
  plan.tile_rows = tile_rows;
  return plan;
}

PackedPlan pack_attention_plan(const AttentionPlan& plan, std::int64_t group, std::int64_t kv_heads) {
  PackedPlan packed;
  pack_queries(plan, group, tile_rows_for(plan, group, kv_heads), packed);
  return packed;
}

PackedPlan pack_attention_backward_plan(const AttentionPlan& plan, std::int64_t group) {
  PackedPlan packed;
  pack_queries(plan, group, kAttentionBackwardRows, packed);
  pack_keys(plan, packed);
  return packed;
}

}  // namespace e5v::ops::cuda

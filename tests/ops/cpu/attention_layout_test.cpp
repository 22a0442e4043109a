// Legend: E head width.
#include "ops/cpu/attention_layout.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <tuple>

#include "ops/random.h"

namespace e5v::ops::test {
namespace {

using cpu::BlockLayout, cpu::BlockTask, cpu::PackedHeads;

/// A root of 5 keys and two branches of 3 and 40.
AttentionPlan root_and_branches() {
  AttentionPlan plan;
  plan.nodes = {{0, 5}, {5, 3}, {8, 40}};
  plan.spans = {{{0, 5}, {0}, true}, {{5, 3}, {0, 1}, true}, {{8, 40}, {0, 2}, false}};
  return plan;
}

TEST(PackedHeads, NodesAreInWholePanels) {
  tensor::Arena arena;
  const PackedHeads heads(root_and_branches(), 2, 24, {.width = 16}, {.width = 16, .depth = 2}, arena);
  EXPECT_EQ(heads.padded_head_width(), 32);
  EXPECT_EQ(heads.rows(0), 6);  // whole depths of values
  EXPECT_EQ(heads.rows(1), 4);
  EXPECT_EQ(heads.rows(2), 40);
  EXPECT_EQ(heads.total_rows, 50);
  EXPECT_EQ(heads.padded_rows, 16 + 16 + 48);  // whole panels of keys
  EXPECT_EQ(heads.key_rows.rows, 2 * 80);
  EXPECT_EQ(heads.value_rows.columns, 32);
  // Nodes and heads follow each other without overlap.
  EXPECT_EQ(heads.keys<float>(1, 0) - heads.keys<float>(0, 0), 16 * 24);
  EXPECT_EQ(heads.keys<float>(0, 1) - heads.keys<float>(0, 0), 80 * 24);
  EXPECT_EQ(heads.values<float>(2, 0) - heads.values<float>(1, 0), 4 * 32);
  EXPECT_EQ(heads.values<float>(0, 1) - heads.values<float>(0, 0), 50 * 32);
}

TEST(PackedHeads, KeysAreTransposedIntoPanelsWithZerosAtTheEnd) {
  tensor::Arena arena;
  const PackedHeads heads(root_and_branches(), 1, 7, {.width = 16}, {.width = 8}, arena);
  const RandomMatrix keys(40, 10, 1);  // wider than the head
  std::fill_n(heads.keys<float>(2, 0), 48 * 7, 99.0f);
  heads.pack_float_keys(keys.matrix().row<float>(0), 10, 40, 2, 0);
  const float* panels = heads.keys<float>(2, 0);
  for (std::int64_t key = 0; key < 48; ++key) {
    for (std::int64_t e = 0; e < 7; ++e) {
      const float expected = key < 40 ? keys.matrix().row<float>(key)[e] : 0;
      ASSERT_EQ(panels[key / 16 * 16 * 7 + e * 16 + key % 16], expected) << key << " " << e;
    }
  }
}

/// Each query row of each head belongs to one task, and no task is larger than a block.
TEST(BlockTasks, CoverEachRowOfEachHeadOnce) {
  constexpr std::int64_t kGroup = 4, kKvHeads = 3;
  AttentionPlan plan = root_and_branches();
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, int> seen;  // span, head, query
  for (const BlockTask& task : cpu::block_tasks(plan, kGroup, kKvHeads)) {
    EXPECT_LE(task.rows, 96);
    const BlockLayout layout(plan, task);
    for (std::int64_t row = 0; row < task.rows; ++row) ++seen[{task.span, layout.head(row), layout.query(row)}];
  }
  EXPECT_EQ(seen.size(), 48u * kGroup * kKvHeads);
  for (const auto& [place, times] : seen) ASSERT_EQ(times, 1);
}

TEST(BlockTasks, RowsAreTheHeadsOfAQueryOneAfterTheOther) {
  const AttentionPlan plan = root_and_branches();
  const BlockLayout layout(plan, {2, 1, 4, 6, 10});  // rows 6 to 15 of the span at row 8, kv head 1, groups of 4
  EXPECT_EQ(layout.query(0), 1);
  EXPECT_EQ(layout.head(0), 4 + 2);
  EXPECT_EQ(layout.query_row(0), 8 + 1);
  EXPECT_EQ(layout.query(2), 2);
  EXPECT_EQ(layout.head(2), 4);
  EXPECT_EQ(layout.query_row(9), 8 + 3);
}

/// What a query sees of its own node is what the plan's definition says; of earlier nodes it sees all.
TEST(BlockLayout, CausalQueriesSeeTheKeysUpToTheirOwn) {
  AttentionPlan plan = root_and_branches();
  const auto sections_of = [&](std::int32_t span, std::int64_t first, std::int64_t rows) {
    return BlockLayout(plan, {span, 0, 1, first, rows}).sections;
  };
  auto sections = sections_of(1, 0, 2);  // of three queries the first two
  ASSERT_EQ(sections.size(), 2u);
  EXPECT_EQ(sections[0].count, 5);
  EXPECT_EQ(sections[0].seen_by(0), 5);
  EXPECT_EQ(sections[1].node, 1);
  EXPECT_EQ(sections[1].count, 2);
  EXPECT_EQ(sections[1].seen_by(0), 1);
  EXPECT_EQ(sections[1].seen_by(1), 2);
  EXPECT_EQ(sections_of(1, 0, 3)[1].count, 3);
  sections = sections_of(2, 0, 1);  // not causal
  EXPECT_EQ(sections[1].count, 40);
  EXPECT_EQ(sections[1].seen_by(0), 40);
  plan.spans[1].queries = {0, 1};  // a pooled row: the last query of its node
  sections = sections_of(1, 0, 1);
  EXPECT_EQ(sections[1].count, 3);
  EXPECT_EQ(sections[1].seen_by(0), 3);
}

/// Keys and values are packed for each node and kv head, and each block attends once.
TEST(AttendInBlocks, PacksAllThenAttends) {
  constexpr std::int64_t kE = 4;
  const AttentionPlan plan = root_and_branches();
  tensor::Arena arena;
  const PackedHeads heads(plan, 2, kE, {.width = 16}, {.width = 16}, arena);
  const RandomMatrix q(48, 4 * kE, 1), k(48, 2 * kE, 2), v(48, 2 * kE, 3);
  const tensor::Tensor out(tensor::DType::f32, {48, 4 * kE});
  const AttentionArguments arguments{q.matrix(), k.matrix(), v.matrix(), matrix_of(out), 4, 2};
  std::atomic<int> keys = 0, values = 0, attended = 0, early = 0;
  const auto expect_place = [&](const RandomMatrix& of, const float* from, std::int64_t count, std::int64_t node,
                                std::int64_t head) {
    const RowRange rows = plan.nodes[static_cast<std::size_t>(node)];
    return from == of.matrix().row<float>(rows.begin) + head * kE && count == rows.count;
  };
  cpu::attend_in_blocks(
      arguments, plan, heads,
      [&](const float* from, std::int64_t stride, std::int64_t count, std::int64_t node, std::int64_t head) {
        keys += expect_place(k, from, count, node, head) && stride == 2 * kE;
      },
      [&](const float* from, std::int64_t, std::int64_t count, std::int64_t node, std::int64_t head) {
        values += expect_place(v, from, count, node, head);
      },
      [&](const BlockLayout& layout) {
        early += keys < 6 || values < 6;
        attended += static_cast<int>(layout.rows);
      });
  EXPECT_EQ(keys, 3 * 2);
  EXPECT_EQ(values, 3 * 2);
  EXPECT_EQ(early, 0);
  EXPECT_EQ(attended, 48 * 4);
}

}  // namespace
}  // namespace e5v::ops::test

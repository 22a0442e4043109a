// With scores S = scale q k^T, P = softmax(S) and out = P v: dv = P^T dout, dP = dout v^T,
// dS = P (dP - rowsum(P dP)), dq = scale dS k, dk = scale dS^T q. Source: arXiv:2205.14135, appendix B.2.
//
// A task takes one kv head through all blocks of query rows, in their order. So no other task adds to its keys and
// values, and sums do not depend on the number of threads. The products are oneDNN's, each on the task's thread.
//
// Legend: E head width, R rows of a block (queries times the heads that share the kv head), N keys that they attend to.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/parallel.h"
#include "ops/cpu/attention_layout.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/product.h"
#include "ops/cpu/scratch.h"

namespace e5v::ops::cpu {
namespace {

using tensor::DType;
using tensor::Matrix;

std::int64_t keys_of(const BlockLayout& layout) {
  std::int64_t count = 0;
  for (const BlockLayout::Section& section : layout.sections) count += section.count;
  return count;
}

/// Matrices of one block, in one piece of memory.
struct Block {
  Matrix q, dout, dq;  // [R, E]
  Matrix p, dp;        // [R, N]

  static std::size_t bytes(std::int64_t rows, std::int64_t keys, std::int64_t width) {
    return static_cast<std::size_t>(rows * (3 * width + 2 * keys)) * sizeof(float);
  }
  Block(std::int64_t rows, std::int64_t keys, std::int64_t width, std::byte* memory) {
    for (Matrix* matrix : {&q, &dout, &dq, &p, &dp}) {
      const std::int64_t columns = matrix == &p || matrix == &dp ? keys : width;
      *matrix = {memory, DType::f32, rows, columns, columns};
      memory += rows * columns * size_of(DType::f32);
    }
  }
};

/// Copies a row of the block, which is a head's part of a query row.
template <class Copy>
void for_block_rows(const BlockLayout& layout, std::int64_t width, const Copy& copy) {
  for (std::int64_t r = 0; r < layout.rows; ++r) copy(r, layout.query_row(r), layout.head(r) * width);
}

/// Replaces scores by probabilities. Those of keys that the row does not attend to are zero.
void softmax_sections(const BlockLayout& layout, std::int64_t row, float* scores) {
  float largest = std::numeric_limits<float>::lowest();
  const auto for_seen = [&](const auto& body) {
    std::int64_t first = 0;
    for (const BlockLayout::Section& section : layout.sections) {
      const std::int64_t seen = std::clamp<std::int64_t>(section.seen_by(layout.query(row)), 0, section.count);
      body(scores + first, seen, section.count);
      first += section.count;
    }
  };
  for_seen([&](const float* part, std::int64_t seen, std::int64_t) {
    for (std::int64_t i = 0; i < seen; ++i) largest = std::max(largest, part[i]);
  });
  float sum = 0;
  for_seen([&](float* part, std::int64_t seen, std::int64_t count) {
    for (std::int64_t i = 0; i < seen; ++i) sum += part[i] = std::exp(part[i] - largest);
    std::fill(part + seen, part + count, 0.0f);
  });
  for_seen([&](float* part, std::int64_t seen, std::int64_t) {
    for (std::int64_t i = 0; i < seen; ++i) part[i] /= sum;
  });
}

/// dp = p (dp - sum(p dp)), row by row.
void through_softmax(const Block& block) {
  for (std::int64_t r = 0; r < block.p.rows; ++r) {
    const float* p = block.p.row<float>(r);
    float* dp = block.dp.row<float>(r);
    double mean = 0;
    for (std::int64_t i = 0; i < block.p.columns; ++i) mean += static_cast<double>(p[i]) * static_cast<double>(dp[i]);
    for (std::int64_t i = 0; i < block.p.columns; ++i) dp[i] = p[i] * (dp[i] - static_cast<float>(mean));
  }
}

/// The backward pass of a block of query rows. Keys and values of a section are columns of the head in rows of its
/// node.
void backward_block(const AttentionGradients& a, const AttentionPlan& plan, const BlockTask& task) {
  const BlockLayout layout(plan, task);
  const std::int64_t E = a.q_QHE.columns / a.heads, N = keys_of(layout);
  const Block block(layout.rows, N, E, thread_scratch(Block::bytes(layout.rows, N, E)));
  for_block_rows(layout, E, [&](std::int64_t r, std::int64_t from, std::int64_t column) {
    std::copy_n(a.q_QHE.row<float>(from) + column, E, block.q.row<float>(r));
    std::copy_n(a.dout_QHE.row<float>(from) + column, E, block.dout.row<float>(r));
  });
  const auto for_sections = [&](const auto& body) {
    std::int64_t first = 0;
    for (const BlockLayout::Section& section : layout.sections) {
      const std::int64_t begin = plan.nodes[static_cast<std::size_t>(section.node)].begin, column = layout.kv_head * E;
      const auto part = [&](auto matrix) { return matrix.row_range(begin, section.count).column_range(column, E); };
      body(part, block.p.column_range(first, section.count), block.dp.column_range(first, section.count));
      first += section.count;
    }
  };
  for_sections([&](const auto& part, Matrix p, Matrix dp) {
    product({block.q, Side::plain}, {part(a.k_TKE), Side::transposed}, a.scale, p, false);
    product({block.dout, Side::plain}, {part(a.v_TKE), Side::transposed}, 1, dp, false);
  });
  for (std::int64_t r = 0; r < layout.rows; ++r) softmax_sections(layout, r, block.p.row<float>(r));
  through_softmax(block);
  bool add = false;
  for_sections([&](const auto& part, Matrix p, Matrix dp) {
    product({p, Side::transposed}, {block.dout, Side::plain}, 1, part(a.dv_TKE), true);
    product({dp, Side::transposed}, {block.q, Side::plain}, a.scale, part(a.dk_TKE), true);
    product({dp, Side::plain}, {part(a.k_TKE), Side::plain}, a.scale, block.dq, add);
    add = true;
  });
  for_block_rows(layout, E, [&](std::int64_t r, std::int64_t to, std::int64_t column) {
    float* dq = a.dq_QHE.row<float>(to) + column;
    for (std::int64_t e = 0; e < E; ++e) dq[e] += block.dq.row<float>(r)[e];
  });
}

}  // namespace

void attention_backward(const AttentionGradients& arguments, const AttentionPlan& plan) {
  const std::vector<BlockTask> tasks = block_tasks(plan, arguments.heads / arguments.kv_heads, arguments.kv_heads);
  parallel_for(arguments.kv_heads, 1, [&](std::int64_t head) {
    for (const BlockTask& task : tasks) {
      if (task.kv_head == head) backward_block(arguments, plan, task);
    }
  });
}

}  // namespace e5v::ops::cpu

#pragma once
#include <cstdint>
#include <vector>

#include "tensor/arena.h"
#include "tensor/matrix.h"

namespace e5v::ops {

/// A run of rows.
struct RowRange {
  std::int64_t begin = 0, count = 0;
};

/// The attention of a packed batch: a forest of nodes, which are runs of key rows, and spans of query rows. Each span
/// attends to a path of the forest.
struct AttentionPlan {
  struct Span {
    RowRange queries;
    std::vector<std::int32_t> path;  ///< indices into nodes, root first; the last one is the span's own node
    /// With causal, query i of n attends to the last node's keys up to count - n + i, otherwise to all of them. It
    /// attends to all keys of earlier nodes.
    bool causal = true;
  };
  std::vector<RowRange> nodes;  ///< key rows, disjoint
  std::vector<Span> spans;
};

/// The inputs and the output of attention. All matrices are f32, except the output, which may be bf16. Legend: Q query
/// rows, T key rows, H heads, K kv heads (H a multiple of K), E head width.
struct AttentionArguments {
  tensor::ConstMatrix q_QHE;  ///< [Q, H * E]
  tensor::ConstMatrix k_TKE;  ///< [T, K * E]
  tensor::ConstMatrix v_TKE;  ///< [T, K * E]
  tensor::Matrix out_QHE;     ///< [Q, H * E]
  std::int64_t heads = 0, kv_heads = 0;
  float scale = 1;  ///< multiplies q k^T, usually 1 / sqrt(E)
  /// Uses the CPU's bf16 instructions for the sums of values: v and the exponentials are rounded to bf16. Scores are
  /// f32; in tiles (AMX) they come from q and k rounded to 16 bits. Sums are f32.
  bool bf16 = false;
};

/// out = softmax(scale q k^T) v for each head, over the keys that the plan gives a query. Query head h reads kv head h
/// / (H / K). Rows of no span stay as they are. Throws InvalidInput when shapes, types or the plan do not fit,
/// DeviceError for bf16 on a CPU without instructions for it. Source: arXiv:1706.03762, eq. 1; grouped heads
/// arXiv:2305.13245.
void attention(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena);

/// The inputs and the gradients of attention's backward pass. All matrices are f32 with the shapes above.
struct AttentionGradients {
  tensor::ConstMatrix q_QHE, k_TKE, v_TKE;
  tensor::ConstMatrix dout_QHE;  ///< gradient of a loss with respect to out
  tensor::Matrix dq_QHE, dk_TKE, dv_TKE;
  std::int64_t heads = 0, kv_heads = 0;
  float scale = 1;
};

/// Adds the gradients with respect to q, k and v. Sums have a fixed order, whatever the number of threads. Throws like
/// attention.
void attention_backward(const AttentionGradients& arguments, const AttentionPlan& plan);

}  // namespace e5v::ops

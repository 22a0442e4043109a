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

/// Who attends to whom in a packed batch: a forest whose nodes are runs of key rows, and spans of query rows that read
/// a path of it.
struct AttentionPlan {
  struct Span {
    RowRange queries;
    std::vector<std::int32_t> path;  ///< indices into nodes, root first; the last one is the span's own node
    /// Causal: query i of n sees the last node's keys up to count - n + i; full otherwise. Earlier nodes are seen
    /// whole.
    bool causal = true;
  };
  std::vector<RowRange> nodes;  ///< key rows, disjoint
  std::vector<Span> spans;
};

/// What attention reads and writes; all matrices are f32 but the output, which may be bf16.
/// Legend: Q query rows, T key rows, H heads, K kv heads (H a multiple of K), E head width.
struct AttentionArguments {
  tensor::ConstMatrix q_QHE;  ///< [Q, H * E]
  tensor::ConstMatrix k_TKE;  ///< [T, K * E]
  tensor::ConstMatrix v_TKE;  ///< [T, K * E]
  tensor::Matrix out_QHE;     ///< [Q, H * E]
  std::int64_t heads = 0, kv_heads = 0;
  float scale = 1;  ///< multiplies q k^T, usually 1 / sqrt(E)
  /// Mixes in the CPU's bf16 instructions: v and the exponentials are rounded to bf16; scores are f32, in tiles (AMX)
  /// of q and k rounded to 16 bits; sums are f32.
  bool bf16 = false;
};

/// out = softmax(scale q k^T) v per head, over the keys that the plan lets a query see. Query head h reads kv head
/// h / (H / K). Rows of no span are left as they are. Throws InvalidInput when shapes, types or the plan do not fit,
/// DeviceError when bf16 is asked of a CPU without instructions for it.
/// Source: arXiv:1706.03762, eq. 1; grouped heads arXiv:2305.13245.
void attention(const AttentionArguments& arguments, const AttentionPlan& plan, tensor::Arena& arena);

/// What the backward pass of attention reads and adds to; all matrices are f32, shapes as above.
struct AttentionGradients {
  tensor::ConstMatrix q_QHE, k_TKE, v_TKE;
  tensor::ConstMatrix dout_QHE;  ///< gradient of a loss by out
  tensor::Matrix dq_QHE, dk_TKE, dv_TKE;
  std::int64_t heads = 0, kv_heads = 0;
  float scale = 1;
};

/// Adds the gradients by q, k and v. Sums have one order, whatever the number of threads. Throws as attention.
void attention_backward(const AttentionGradients& arguments, const AttentionPlan& plan);

}  // namespace e5v::ops

#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "ops/cuda/kernels.h"

/// Attention and its gradients. Legend: Q query rows, T key rows, H heads, K kv heads, G = H / K heads that share a kv
/// head, E head width. ops/attention.h has the contract; scale must be positive, and Q * G below 2^32 / G.
/// The keys of a span are counted along its path, from the root's first key to the last key of the span's own node.
/// Query i attends to the keys below seen_first + causal * i, whatever the nodes. Row r of a span is query r / G with
/// head G * kv_head + r % G.
/// below seen_first + causal * i, whatever the nodes. Row r of a span is query r / G under head G * kv_head + r % G.
namespace e5v::ops::cuda {

/// Some rows of a span.
struct QueryTile {
  std::int32_t query_begin;  ///< row of q of the span's query 0
  std::int32_t first_row, rows;
  std::int32_t section;  ///< the first section of the span's path
  std::int32_t seen_first, causal;
};

/// A node on a path. Key `key` is in row key + offset if it is below `end` and in no earlier section.
struct KeySection {
  std::int32_t end, offset;
};

/// Up to kAttentionKeys keys of a node. The queries of the node are counted through its sections. Those before
/// query_begin attend to none of the keys.
struct KeyTile {
  std::int32_t key_begin;  ///< row of k of the node's key 0
  std::int32_t first_key, keys;
  std::int32_t section;  ///< the node's first section
  std::int32_t query_begin, query_end;
};

/// A span that reads a node. Query `query` is in row query + offset if it is below `end` and in no earlier section. It
/// attends to the node's keys below seen_first + causal * query.
struct QuerySection {
  std::int32_t end, offset, seen_first, causal;
};

/// A plan on the GPU, made by attention_plan.h. Only the backward pass reads key_tiles and query_sections.
struct DevicePlan {
  const QueryTile* query_tiles = nullptr;
  const KeySection* key_sections = nullptr;
  const KeyTile* key_tiles = nullptr;
  const QuerySection* query_sections = nullptr;
  std::int32_t query_tile_count = 0, key_tile_count = 0;
  std::int32_t tile_rows = 0;  ///< maximum rows of a query tile, 64 or 128
};

constexpr int kAttentionKeys = 64;          ///< of a step of the kernels, and of a KeyTile
constexpr int kAttentionBackwardRows = 64;  ///< tile_rows of a plan for backward

/// q [Q, H * E], k and v [T, K * E], all f32 or all bf16; out f32|bf16 [Q, H * E], the same rows as q.
struct AttentionViews {
  View q, k, v, out;
  float* lse = nullptr;  ///< [Q, H] or null: logarithm of the sum of exp(scale q k^T)
  int heads = 0, kv_heads = 0;
  float scale = 1;
};

/// bf16 inputs use tensor cores, with P rounded to bf16 and all sums in f32, if E is a multiple of 16 up to 128, every
/// view begins at a multiple of 16 bytes, and rows are multiples of 16 bytes apart. All other inputs are computed in
/// f32 by simple kernels, with any E up to 256.
void attention(const AttentionViews& views, const DevicePlan& plan, cudaStream_t stream);

/// Gradients are f32, and added to. dout f32 [Q, H * E].
struct AttentionGradientViews {
  View q, k, v, dout;
  View dq, dk, dv;
  int heads = 0, kv_heads = 0;
  float scale = 1;
};

/// The scratch bytes of attention_backward. Its address must be a multiple of 256.
std::int64_t attention_backward_scratch_bytes(const AttentionGradientViews& views);

/// Sums have a fixed order. Tensor cores are used as in attention; they round dout, P and dS to bf16. Source:
/// arXiv:2205.14135, appendix B.2.
void attention_backward(const AttentionGradientViews& views, const DevicePlan& plan, void* scratch,
                        cudaStream_t stream);

}  // namespace e5v::ops::cuda

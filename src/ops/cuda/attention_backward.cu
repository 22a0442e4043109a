// With scores S = scale q k^T, P = softmax(S) and out = P v: dv = P^T dout, dP = dout v^T, dS = P (dP - delta), where
// delta = rowsum(dout out), dq = scale dS k, dk = scale dS^T q. P is computed from the logarithms of a second run of
// attention. Queries and keys have separate kernels, and both compute q k^T and dout v^T. So one block computes a sum,
// and its order does not change.
//
// Legend: E head width.
#include <type_traits>

#include "ops/cuda/attention.h"
#include "ops/cuda/attention_exact.h"
#include "ops/cuda/attention_tile.cuh"
#include "ops/cuda/attention_widths.cuh"
#include "ops/cuda/launch.cuh"

namespace e5v::ops::cuda {
namespace {

constexpr int kRows = kAttentionBackwardRows;

template <int E>
constexpr int kTile = kPitch<E>* kRows;  // bytes of a tile, of keys or of query rows
static_assert(kRows == kKeys && kRows == 16 * kAttentionWarps);

struct Arguments {
  AttentionGradientViews views;
  View dout;  // bf16
  DevicePlan plan;
  Group group;
  const float *lse, *delta;  // [Q, H]
};

/// Computes delta [Q, H] from out [Q, H * E] and dout. Unless `rounded` is null, dout is also rounded to bf16, and
/// delta is that of the rounded one, so that rows of dS sum to zero. A warp takes a head of a row.
__global__ void prepare(View dout, const float* out, int heads, int E, float* delta, bf16* rounded) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kAttentionWarps + threadIdx.x / kWarp;
  if (index >= dout.rows * heads) return;
  const float* from = static_cast<const float*>(dout.data) + index / heads * dout.stride + index % heads * E;
  float sum = 0;
  for (int e = threadIdx.x % kWarp; e < E; e += kWarp) {
    float x = from[e];
    if (rounded != nullptr) {
      const bf16 short_x = from_float<bf16>(x);
      rounded[index * E + e] = short_x;
      x = to_float(short_x);
    }
    sum = fmaf(x, out[index * E + e], sum);
  }
  sum = warp_sum(sum);
  if (threadIdx.x % kWarp == 0) delta[index] = sum;
}

/// to += factor * sums for 16 rows of a warp. row(i) is the destination of row i < 16, or null.
template <int E, class Row>
__device__ __forceinline__ void add_rows(const float (&sums)[1][E / 8][4], float factor, int lane, const Row& row) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float* to = row(half * 8 + lane / 4);
    if (to == nullptr) continue;
#pragma unroll
    for (int n = 0; n < E / 8; ++n) {
      float2* pair = reinterpret_cast<float2*>(to + n * 8 + lane % 4 * 2);
      const float2 before = *pair;
      *pair =
          make_float2(fmaf(factor, sums[0][n][half * 2], before.x), fmaf(factor, sums[0][n][half * 2 + 1], before.y));
    }
  }
}

/// The addresses of the left operands of a warp's rows.
struct QueryOperands {
  std::uint32_t q, dout;
};

/// Adds the part of the keys [first, first + kKeys) of the span to dq of a warp's rows. With kSome, only the first
/// `some` keys may count. shift: the lse of the lane's two rows with base 2.
template <int E, bool kSome>
__device__ __forceinline__ void step_dq(const TileRows& rows, int warp_row, int first, int some, int lane,
                                        float scale_log2, const float (&shift)[2], const float (&delta)[2],
                                        QueryOperands own, std::uint32_t k_tile, std::uint32_t v_tile,
                                        float (&dq)[1][E / 8][4]) {
  const int strips = (some + 15) / 16;
  float scores[1][kKeys / 8][4] = {}, dscores[1][kKeys / 8][4] = {};
  multiply_transposed<E, 1, kSome>(own.q, right_address<E>(k_tile, lane), strips, scores);
  if (kSome) mask_unseen<1>(rows, warp_row, first, lane, scores);
  multiply_transposed<E, 1, kSome>(own.dout, right_address<E>(v_tile, lane), strips, dscores);
#pragma unroll
  for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float p = exp2_fast(fmaf(scores[0][n][i], scale_log2, -shift[i / 2]));
      dscores[0][n][i] = p * (dscores[0][n][i] - delta[i / 2]);
    }
  }
  multiply<E, 1, kSome>(dscores, left_address<E>(k_tile, lane), strips, dq);
}

template <int E>
__global__ void __launch_bounds__(kAttentionThreads, E > 64 ? 2 : 3) add_dq(Arguments a) {
  extern __shared__ __align__(16) unsigned char shared[];
  const std::uint32_t q_tile = shared_address(shared), dout_tile = q_tile + kTile<E>, kv_tiles = dout_tile + kTile<E>;
  const int lane = threadIdx.x % kWarp, warp_row = static_cast<int>(threadIdx.x) / kWarp * 16;
  const int kv_head = blockIdx.x % a.views.kv_heads;
  const TileRows rows{a.plan.query_tiles[blockIdx.x / a.views.kv_heads], a.group, kv_head};
  const Reach reach(rows, warp_row, 16);
  const HeadRows k(a.views.k, kv_head, E), v(a.views.v, kv_head, E);
  Sections<KeySection> path(a.plan.key_sections + rows.tile.section);
  copy_query_rows<E, kRows>(rows, HeadRows(a.views.q, 0, E), q_tile);
  copy_query_rows<E, kRows>(rows, HeadRows(a.dout, 0, E), dout_tile);
  copy_path_keys<E>(path, 0, reach.tile, k, v, kv_tiles, kv_tiles + kTile<E>);

  float shift[2] = {}, delta[2] = {};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = warp_row + half * 8 + lane / 4;
    if (row >= rows.tile.rows) continue;
    const std::int64_t index = static_cast<std::int64_t>(rows.query_row(row)) * a.views.heads + rows.head(row);
    shift[half] = a.lse[index] * kLog2E;
    delta[half] = a.delta[index];
  }
  const float scale_log2 = a.views.scale * kLog2E;
  float dq[1][E / 8][4] = {};
  const QueryOperands own{left_address<E>(q_tile + warp_row * kPitch<E>, lane),
                          left_address<E>(dout_tile + warp_row * kPitch<E>, lane)};
  std::uint32_t tiles = kv_tiles;
  for (int first = 0; first < reach.tile; first += kKeys) {
    cp_async_wait();
    __syncthreads();  // all copies have arrived, and no thread reads the tiles of the previous step
    const std::uint32_t others = 2 * kv_tiles + 2 * kTile<E> - tiles;
    if (first + kKeys < reach.tile) copy_path_keys<E>(path, first + kKeys, reach.tile, k, v, others, others + kTile<E>);
    if (reach.sees_all(first)) {
      step_dq<E, false>(rows, warp_row, first, kKeys, lane, scale_log2, shift, delta, own, tiles, tiles + kTile<E>, dq);
    } else if (first < reach.warp) {
      step_dq<E, true>(rows, warp_row, first, min(kKeys, reach.warp - first), lane, scale_log2, shift, delta, own,
                       tiles, tiles + kTile<E>, dq);
    }
    tiles = others;
  }
  add_rows<E>(dq, a.views.scale, lane, [&](int i) -> float* {
    const int row = warp_row + i;
    if (row >= rows.tile.rows) return nullptr;
    return static_cast<float*>(a.views.dq.data) + rows.query_row(row) * a.views.dq.stride + rows.head(row) * E;
  });
}

/// The properties of query rows that the columns of a transposed tile need.
struct RowFacts {
  float lse[kRows], delta[kRows];
  int seen[kRows];  ///< keys of the node
};

/// The query rows that read a node. Row r is query r / G, counted by the node's sections, with head r % G of the group.
struct ReadingRows {
  const QuerySection* section;  ///< not after the section of the next row to be copied; dk and dv leave few registers
  Group group;
  int kv_head, end;

  __device__ int head(int row) const { return group.head(row, kv_head); }
};

/// Starts to copy rows [first, first + kRows) of q and dout, and their properties in `facts`. Rows after the end are
/// zeros, and attend to nothing.
template <int E>
__device__ __forceinline__ void copy_reading_rows(ReadingRows& rows, int first, const HeadRows& q, const HeadRows& dout,
                                                  const Arguments& a, std::uint32_t q_tile, std::uint32_t dout_tile,
                                                  RowFacts* facts) {
  Sections<QuerySection> sections(rows.section);
  sections.advance(rows.group.query(first));
  rows.section = sections.next - 1;
  const bool whole = first + kRows <= rows.end && rows.group.query(first + kRows - 1) < sections.current.end;
  const auto copy = [&](const HeadRows& from, std::uint32_t tile) {
    if (whole) {
      return copy_rows<E, kRows, 4>(tile, [&](int i) {
        const int row = first + i;
        return from.row(rows.group.query(row) + sections.current.offset) + rows.head(row) * E * 2;
      });
    }
    copy_some_rows<E, kRows>(tile, from.base, [&](int i) -> const char* {
      const int row = first + i, query = rows.group.query(row);
      return row < rows.end ? from.row(query + sections.of(query).offset) + rows.head(row) * E * 2 : nullptr;
    });
  };
  copy(q, q_tile);
  copy(dout, dout_tile);

  const int i = threadIdx.x, row = first + i;
  if (i >= kRows) return;
  if (row >= rows.end) {
    facts->lse[i] = facts->delta[i] = 0;
    facts->seen[i] = 0;
    return;
  }
  const int query = rows.group.query(row);
  const QuerySection own = sections.of(query);
  facts->seen[i] = own.seen_first + own.causal * query;
  const std::int64_t index = static_cast<std::int64_t>(query + own.offset) * a.views.heads + rows.head(row);
  cp_async4(shared_address(&facts->lse[i]), a.lse + index);
  cp_async4(shared_address(&facts->delta[i]), a.delta + index);
}

/// Replaces scores [16 keys, kRows query rows] by P. first_key is the warp's first key in the node.
__device__ __forceinline__ void probabilities(const RowFacts& facts, int first_key, int lane, float scale_log2,
                                              float (&scores)[1][kRows / 8][4]) {
#pragma unroll
  for (int n = 0; n < kRows / 8; ++n) {
    const int column = n * 8 + lane % 4 * 2;
    const float2 lse = *reinterpret_cast<const float2*>(&facts.lse[column]);
    const int2 seen = *reinterpret_cast<const int2*>(&facts.seen[column]);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = first_key + i / 2 * 8 + lane / 4;
      const float p = exp2_fast(fmaf(scores[0][n][i], scale_log2, -kLog2E * (i % 2 == 0 ? lse.x : lse.y)));
      scores[0][n][i] = key < (i % 2 == 0 ? seen.x : seen.y) ? p : 0;
    }
  }
}

/// Replaces dP by dS.
__device__ __forceinline__ void through_softmax(const RowFacts& facts, int lane, const float (&p)[1][kRows / 8][4],
                                                float (&dp)[1][kRows / 8][4]) {
#pragma unroll
  for (int n = 0; n < kRows / 8; ++n) {
    const float2 delta = *reinterpret_cast<const float2*>(&facts.delta[n * 8 + lane % 4 * 2]);
#pragma unroll
    for (int i = 0; i < 4; ++i) dp[0][n][i] = p[0][n][i] * (dp[0][n][i] - (i % 2 == 0 ? delta.x : delta.y));
  }
}

/// The addresses of the left operands of a warp's keys.
struct KeyOperands {
  std::uint32_t k, v;
};

/// Adds the part of a tile of query rows to dk and dv of a warp's keys. With kSome only its first `some` rows count.
template <int E, bool kSome>
__device__ __forceinline__ void step_dk_dv(const RowFacts& facts, int first_key, int some, int lane, float scale_log2,
                                           KeyOperands own, std::uint32_t q_tile, std::uint32_t dout_tile,
                                           float (&dk)[1][E / 8][4], float (&dv)[1][E / 8][4]) {
  const int strips = (some + 15) / 16;
  float p[1][kRows / 8][4] = {}, dscores[1][kRows / 8][4] = {};
  multiply_transposed<E, 1, kSome>(own.k, right_address<E>(q_tile, lane), strips, p);
  probabilities(facts, first_key, lane, scale_log2, p);
  multiply<E, 1, kSome>(p, left_address<E>(dout_tile, lane), strips, dv);
  multiply_transposed<E, 1, kSome>(own.v, right_address<E>(dout_tile, lane), strips, dscores);
  through_softmax(facts, lane, p, dscores);
  multiply<E, 1, kSome>(dscores, left_address<E>(q_tile, lane), strips, dk);
}

template <int E>
__global__ void __launch_bounds__(kAttentionThreads, E >= 64 ? 2 : 3) add_dk_dv(Arguments a) {
  extern __shared__ __align__(16) unsigned char shared[];
  const std::uint32_t k_tile = shared_address(shared), v_tile = k_tile + kTile<E>, row_tiles = v_tile + kTile<E>;
  auto* facts = reinterpret_cast<RowFacts*>(shared + 6 * kTile<E>);
  const int lane = threadIdx.x % kWarp, warp_row = static_cast<int>(threadIdx.x) / kWarp * 16;
  const int kv_head = blockIdx.x % a.views.kv_heads;
  const KeyTile tile = a.plan.key_tiles[blockIdx.x / a.views.kv_heads];
  const int first_key_row = tile.key_begin + tile.first_key, group = static_cast<int>(a.group.size);
  const HeadRows q(a.views.q, 0, E), dout(a.dout, 0, E);
  const auto copy_keys = [&](const HeadRows& from, std::uint32_t to) {
    copy_some_rows<E, kKeys>(to, from.base,
                             [&](int i) { return i < tile.keys ? from.row(first_key_row + i) : nullptr; });
  };
  copy_keys(HeadRows(a.views.k, kv_head, E), k_tile);
  copy_keys(HeadRows(a.views.v, kv_head, E), v_tile);
  ReadingRows rows{a.plan.query_sections + tile.section, a.group, kv_head, tile.query_end * group};
  copy_reading_rows<E>(rows, tile.query_begin * group, q, dout, a, row_tiles, row_tiles + kTile<E>, facts);

  const float scale_log2 = a.views.scale * kLog2E;
  float dk[1][E / 8][4] = {}, dv[1][E / 8][4] = {};
  const KeyOperands own{left_address<E>(k_tile + warp_row * kPitch<E>, lane),
                        left_address<E>(v_tile + warp_row * kPitch<E>, lane)};
  int buffer = 0;
  for (int first = tile.query_begin * group; first < rows.end; first += kRows, buffer ^= 1) {
    cp_async_wait();
    __syncthreads();  // all copies have arrived, and no thread reads the tiles of the previous step
    const auto q_tile = [&](int which) { return row_tiles + which * 2 * kTile<E>; };
    if (first + kRows < rows.end) {
      const std::uint32_t next = q_tile(buffer ^ 1);
      copy_reading_rows<E>(rows, first + kRows, q, dout, a, next, next + kTile<E>, facts + (buffer ^ 1));
    }
    if (warp_row >= tile.keys) continue;
    const std::uint32_t now = q_tile(buffer);
    if (first + kRows <= rows.end) {
      step_dk_dv<E, false>(facts[buffer], tile.first_key + warp_row, kRows, lane, scale_log2, own, now, now + kTile<E>,
                           dk, dv);
    } else {
      step_dk_dv<E, true>(facts[buffer], tile.first_key + warp_row, rows.end - first, lane, scale_log2, own, now,
                          now + kTile<E>, dk, dv);
    }
  }
  const auto add = [&](const float(&sums)[1][E / 8][4], float factor, const View& to) {
    add_rows<E>(sums, factor, lane, [&](int i) -> float* {
      if (warp_row + i >= tile.keys) return nullptr;
      return static_cast<float*>(to.data) + (first_key_row + warp_row + i) * to.stride + kv_head * E;
    });
  };
  add(dk, a.views.scale, a.views.dk);
  add(dv, 1, a.views.dv);
}

template <int E>
void launch(const Arguments& arguments, cudaStream_t stream) {
  constexpr int kQueryBytes = 6 * kTile<E>, kKeyBytes = kQueryBytes + 2 * static_cast<int>(sizeof(RowFacts));
  static const bool allowed =
      (allow_shared_memory(add_dq<E>, kQueryBytes), allow_shared_memory(add_dk_dv<E>, kKeyBytes), true);
  static_cast<void>(allowed);
  const auto query_blocks = static_cast<unsigned>(arguments.plan.query_tile_count * arguments.views.kv_heads);
  add_dq<E><<<query_blocks, kAttentionThreads, kQueryBytes, stream>>>(arguments);
  check_launch("gradient of queries");
  const auto key_blocks = static_cast<unsigned>(arguments.plan.key_tile_count * arguments.views.kv_heads);
  add_dk_dv<E><<<key_blocks, kAttentionThreads, kKeyBytes, stream>>>(arguments);
  check_launch("gradient of keys and values");
}

/// The parts of scratch.
struct Scratch {
  float *lse, *delta;  // [Q, H]
  float* out;          // [Q, H * E]
  bf16* dout;          // [Q, H * E]
  std::int64_t bytes = 0;

  Scratch(const AttentionGradientViews& views, void* memory) {
    const auto part = [&](auto*& pointer, std::int64_t count) {
      constexpr std::int64_t kUnit = 256;
      pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(static_cast<char*>(memory) + bytes);
      bytes += (count * static_cast<std::int64_t>(sizeof(*pointer)) + kUnit - 1) / kUnit * kUnit;
    };
    part(lse, views.q.rows * views.heads);
    part(delta, views.q.rows * views.heads);
    part(out, views.q.rows * views.q.columns);
    part(dout, views.q.rows * views.q.columns);
  }
};

}  // namespace

std::int64_t attention_backward_scratch_bytes(const AttentionGradientViews& views) {
  return Scratch(views, nullptr).bytes;
}

void attention_backward(const AttentionGradientViews& views, const DevicePlan& plan, void* memory,
                        cudaStream_t stream) {
  if (plan.query_tile_count == 0) return;
  const Scratch scratch(views, memory);
  const std::int64_t rows = views.q.rows, columns = views.q.columns;
  const View out{scratch.out, Element::f32, rows, columns, columns},
      dout{scratch.dout, Element::bf16, rows, columns, columns};
  attention({views.q, views.k, views.v, out, scratch.lse, views.heads, views.kv_heads, views.scale}, plan, stream);

  const int width = static_cast<int>(columns) / views.heads;
  const bool tensor = has_tensor_tiles(width, {views.q, views.k, views.v}) && is_aligned(views.dq) &&
                      is_aligned(views.dk) && is_aligned(views.dv);
  const auto blocks = static_cast<unsigned>((rows * views.heads + kAttentionWarps - 1) / kAttentionWarps);
  prepare<<<blocks, kAttentionThreads, 0, stream>>>(views.dout, scratch.out, views.heads, width, scratch.delta,
                                                    tensor ? scratch.dout : nullptr);
  check_launch("attention's delta");
  if (!tensor) return attention_backward_exact(views, plan, scratch.lse, scratch.delta, stream);
  const Arguments arguments{views, dout, plan, Group::of(views.heads, views.kv_heads), scratch.lse, scratch.delta};
  with_width(width, [&](auto E) { launch<E.value>(arguments, stream); });
}

}  // namespace e5v::ops::cuda

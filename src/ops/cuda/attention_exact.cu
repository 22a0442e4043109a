// A warp takes a query row with a head or, for dk and dv, a key with a kv head. Its lanes hold every 32nd element.
//
// Legend: E head width.
#include <cmath>

#include "ops/cuda/attention_exact.h"
#include "ops/cuda/attention_rows.cuh"
#include "ops/cuda/launch.cuh"

namespace e5v::ops::cuda {
namespace {

constexpr int kMaxWidth = 256, kSlots = kMaxWidth / kWarp;
constexpr int kWarps = 4;  // of a block, for adjacent rows, which read the same keys

/// A row of E: lane l's slot i is element l + 32 i, and 0 beyond E.
struct LaneRow {
  float slot[kSlots] = {};

  __device__ void add(float factor, const LaneRow& other) {
#pragma unroll
    for (int i = 0; i < kSlots; ++i) slot[i] = fmaf(factor, other.slot[i], slot[i]);
  }
  __device__ void multiply(float factor) {
#pragma unroll
    for (float& x : slot) x *= factor;
  }
};

template <class T>
__device__ LaneRow load(const T* row, int E) {
  LaneRow result;
#pragma unroll
  for (int i = 0; i < kSlots; ++i) {
    const int e = static_cast<int>(threadIdx.x) % kWarp + i * kWarp;
    if (e < E) result.slot[i] = to_float(row[e]);
  }
  return result;
}

template <class T>
__device__ void store(const LaneRow& values, T* row, int E) {
#pragma unroll
  for (int i = 0; i < kSlots; ++i) {
    const int e = static_cast<int>(threadIdx.x) % kWarp + i * kWarp;
    if (e < E) row[e] = from_float<T>(values.slot[i]);
  }
}

/// row += factor * values.
__device__ void add_to(const LaneRow& values, float factor, float* row, int E) {
#pragma unroll
  for (int i = 0; i < kSlots; ++i) {
    const int e = static_cast<int>(threadIdx.x) % kWarp + i * kWarp;
    if (e < E) row[e] += factor * values.slot[i];
  }
}

/// The result is the same in every lane.
__device__ float dot(const LaneRow& a, const LaneRow& b) {
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kSlots; ++i) sum = fmaf(a.slot[i], b.slot[i], sum);
  return warp_sum(sum);
}

__device__ float warp_max(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, offset));
  return value;
}

template <class T>
__device__ T* head_row(const View& view, int row, int head, int E) {
  return static_cast<T*>(view.data) + row * view.stride + head * E;
}

struct Arguments {
  AttentionViews views;
  DevicePlan plan;
  Group group;
  int E;
};

/// T is the type of q, k and v.
template <class T>
__global__ void attend_exactly(Arguments a) {
  const AttentionViews& views = a.views;
  const int kv_head = blockIdx.x % views.kv_heads, E = a.E;
  const TileRows rows{a.plan.query_tiles[blockIdx.x / views.kv_heads], a.group, kv_head};
  const int row = static_cast<int>(blockIdx.y * kWarps + threadIdx.x / kWarp), lane = threadIdx.x % kWarp;
  if (row >= rows.tile.rows) return;
  const int query_row = rows.query_row(row), head = rows.head(row), seen = rows.seen(row);
  const LaneRow q = load(head_row<const T>(views.q, query_row, head, E), E);
  LaneRow mixed;
  float largest = -INFINITY, sum = 0;
  Sections<KeySection> path(a.plan.key_sections + rows.tile.section);
  for (int first = 0; first < seen; first += kWarp) {
    // Lane j computes key first + j.
    path.advance(first);
    const int count = min(kWarp, seen - first), own_key = first + min(lane, count - 1);
    const int own_row = own_key + path.of(own_key).offset;
    float score = -INFINITY;
#pragma unroll 4
    for (int j = 0; j < count; ++j) {
      const int key_row = __shfl_sync(0xffffffffu, own_row, j);
      const float product = dot(q, load(head_row<const T>(views.k, key_row, kv_head, E), E));
      if (lane == j) score = product * views.scale;
    }
    const float before = largest;
    largest = fmaxf(before, warp_max(score));
    const float factor = expf(before - largest), weight = expf(score - largest);
    sum = sum * factor + warp_sum(weight);
    mixed.multiply(factor);
#pragma unroll 4
    for (int j = 0; j < count; ++j) {
      const int key_row = __shfl_sync(0xffffffffu, own_row, j);
      mixed.add(__shfl_sync(0xffffffffu, weight, j), load(head_row<const T>(views.v, key_row, kv_head, E), E));
    }
  }
  mixed.multiply(1 / sum);
  if (views.out.type == Element::bf16) {
    store(mixed, head_row<bf16>(views.out, query_row, head, E), E);
  } else {
    store(mixed, head_row<float>(views.out, query_row, head, E), E);
  }
  if (views.lse != nullptr && lane == 0) {
    views.lse[static_cast<std::int64_t>(query_row) * views.heads + head] = largest + logf(sum);
  }
}

struct BackwardArguments {
  AttentionGradientViews views;
  DevicePlan plan;
  Group group;
  int E;
  const float *lse, *delta;  // [Q, H]
};

/// A query row with a head, as the backward pass reads it.
struct BackwardRow {
  LaneRow q, dout;
  float lse, delta;

  template <class T>
  __device__ static BackwardRow of(const BackwardArguments& a, int row, int head, const T*) {
    const std::int64_t index = static_cast<std::int64_t>(row) * a.views.heads + head;
    return {load(head_row<const T>(a.views.q, row, head, a.E), a.E),
            load(head_row<const float>(a.views.dout, row, head, a.E), a.E), a.lse[index], a.delta[index]};
  }
  __device__ float probability(const LaneRow& k, float scale) const { return expf(dot(q, k) * scale - lse); }
  /// The gradient with respect to the score, before scale.
  __device__ float dscore(float p, const LaneRow& v) const { return p * (dot(dout, v) - delta); }
};

template <class T>
__global__ void add_dq_exactly(BackwardArguments a) {
  const AttentionGradientViews& views = a.views;
  const int kv_head = blockIdx.x % views.kv_heads, E = a.E;
  const TileRows rows{a.plan.query_tiles[blockIdx.x / views.kv_heads], a.group, kv_head};
  const int row = static_cast<int>(blockIdx.y * kWarps + threadIdx.x / kWarp);
  if (row >= rows.tile.rows) return;
  const int query_row = rows.query_row(row), head = rows.head(row), seen = rows.seen(row);
  const auto own = BackwardRow::of(a, query_row, head, static_cast<const T*>(nullptr));
  LaneRow dq;
  Sections<KeySection> path(a.plan.key_sections + rows.tile.section);
  for (int key = 0; key < seen; ++key) {
    path.advance(key);
    const int key_row = key + path.current.offset;
    const LaneRow k = load(head_row<const T>(views.k, key_row, kv_head, E), E);
    const LaneRow v = load(head_row<const T>(views.v, key_row, kv_head, E), E);
    dq.add(own.dscore(own.probability(k, views.scale), v), k);
  }
  add_to(dq, views.scale, head_row<float>(views.dq, query_row, head, E), E);
}

template <class T>
__global__ void add_dk_dv_exactly(BackwardArguments a) {
  const AttentionGradientViews& views = a.views;
  const int kv_head = blockIdx.x % views.kv_heads, E = a.E;
  const KeyTile tile = a.plan.key_tiles[blockIdx.x / views.kv_heads];
  const int in_tile = static_cast<int>(blockIdx.y * kWarps + threadIdx.x / kWarp);
  if (in_tile >= tile.keys) return;
  const int key = tile.first_key + in_tile, key_row = tile.key_begin + key;
  const LaneRow k = load(head_row<const T>(views.k, key_row, kv_head, E), E);
  const LaneRow v = load(head_row<const T>(views.v, key_row, kv_head, E), E);
  LaneRow dk, dv;
  const int group = static_cast<int>(a.group.size);
  Sections<QuerySection> readers(a.plan.query_sections + tile.section);
  for (int query = tile.query_begin; query < tile.query_end; ++query) {
    readers.advance(query);
    if (key >= readers.current.seen_first + readers.current.causal * query) continue;
    for (int head = kv_head * group; head < (kv_head + 1) * group; ++head) {
      const auto row = BackwardRow::of(a, query + readers.current.offset, head, static_cast<const T*>(nullptr));
      const float p = row.probability(k, views.scale);
      dv.add(p, row.dout);
      dk.add(row.dscore(p, v), row.q);
    }
  }
  add_to(dk, views.scale, head_row<float>(views.dk, key_row, kv_head, E), E);
  add_to(dv, 1, head_row<float>(views.dv, key_row, kv_head, E), E);
}

/// A grid of blocks for `tiles` tiles of up to `rows` rows.
dim3 grid(int tiles, int kv_heads, int rows) {
  return {static_cast<unsigned>(tiles * kv_heads), static_cast<unsigned>(rows / kWarps), 1};
}

template <class T>
void launch(const Arguments& a, cudaStream_t stream) {
  const dim3 blocks = grid(a.plan.query_tile_count, a.views.kv_heads, a.plan.tile_rows);
  attend_exactly<T><<<blocks, kWarps * kWarp, 0, stream>>>(a);
  check_launch("exact attention");
}

template <class T>
void launch(const BackwardArguments& a, cudaStream_t stream) {
  const dim3 query_blocks = grid(a.plan.query_tile_count, a.views.kv_heads, a.plan.tile_rows);
  add_dq_exactly<T><<<query_blocks, kWarps * kWarp, 0, stream>>>(a);
  check_launch("exact gradient of queries");
  const dim3 key_blocks = grid(a.plan.key_tile_count, a.views.kv_heads, kAttentionKeys);
  add_dk_dv_exactly<T><<<key_blocks, kWarps * kWarp, 0, stream>>>(a);
  check_launch("exact gradient of keys and values");
}

/// The width of a head, if the kernels can hold it and read the inputs.
int checked_width(const View& q, const View& k, const View& v, int heads) {
  const int width = static_cast<int>(q.columns) / heads;
  if (width > kMaxWidth) {
    throw InvalidInput("[cuda] attention's head width: expected at most " + std::to_string(kMaxWidth) + ", found " +
                       std::to_string(width));
  }
  if (q.type != k.type || q.type != v.type || q.type == Element::f16) {
    throw InvalidInput("[cuda] attention: expected q, k and v all f32 or all bf16");
  }
  return width;
}

}  // namespace

void attention_exact(const AttentionViews& views, const DevicePlan& plan, cudaStream_t stream) {
  const int width = checked_width(views.q, views.k, views.v, views.heads);
  const Arguments arguments{views, plan, Group::of(views.heads, views.kv_heads), width};
  views.q.type == Element::bf16 ? launch<bf16>(arguments, stream) : launch<float>(arguments, stream);
}

void attention_backward_exact(const AttentionGradientViews& views, const DevicePlan& plan, const float* lse,
                              const float* delta, cudaStream_t stream) {
  const int width = checked_width(views.q, views.k, views.v, views.heads);
  const BackwardArguments arguments{views, plan, Group::of(views.heads, views.kv_heads), width, lse, delta};
  views.q.type == Element::bf16 ? launch<bf16>(arguments, stream) : launch<float>(arguments, stream);
}

}  // namespace e5v::ops::cuda

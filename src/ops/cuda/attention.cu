// A block of four warps takes a tile of query rows and one kv head. Keys and values are copied to shared memory, 64 at
// a time, one step ahead of their use. Scores, exponentials and sums of values stay in registers (FlashAttention-2,
// arXiv:2307.08691). Exponentials are relative to a running maximum of the scores. It is raised only when the true
// maximum exceeds it by more than kSlack, and only then the sums are scaled down.
//
// Legend: E head width, M 16-row strips of a warp.
#include <cmath>

#include "ops/cuda/attention.h"
#include "ops/cuda/attention_exact.h"
#include "ops/cuda/attention_tile.cuh"
#include "ops/cuda/attention_widths.cuh"
#include "ops/cuda/launch.cuh"

namespace e5v::ops::cuda {
namespace {

constexpr float kSlack = 8;  // in powers of two: exponentials stay below 256, where bf16 and f32 are as exact as at 1

/// The sums of a warp for its rows: the sum of values, and this lane's part of the sum of exponentials.
template <int E, int M>
struct Gathered {
  float mixed[M][E / 8][4] = {};
  float largest[M][2], sum[M][2] = {};
};

struct Arguments {
  AttentionViews views;
  DevicePlan plan;
  Group group;
};

/// Raises the maximum scores where necessary, and scales the sums down.
template <int E, int M>
__device__ __forceinline__ void follow_largest(const float (&scores)[M][kKeys / 8][4], float scale_log2,
                                               Gathered<E, M>& gathered) {
  float largest[M][2];
  bool grown = false;
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float x = gathered.largest[m][half];
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
        x = fmaxf(x, fmaxf(scores[m][n][half * 2], scores[m][n][half * 2 + 1]));
      }
      x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
      x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
      largest[m][half] = x;
      grown = grown || (x - gathered.largest[m][half]) * scale_log2 > kSlack;
    }
  }
  if (!__any_sync(0xffffffffu, grown)) return;
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float factor = exp2_fast((gathered.largest[m][half] - largest[m][half]) * scale_log2);
      gathered.largest[m][half] = largest[m][half];
      gathered.sum[m][half] *= factor;
#pragma unroll
      for (int n = 0; n < E / 8; ++n) {
        gathered.mixed[m][n][half * 2] *= factor;
        gathered.mixed[m][n][half * 2 + 1] *= factor;
      }
    }
  }
}

/// Replaces scores by exponentials.
template <int E, int M>
__device__ __forceinline__ void exponentials(float (&scores)[M][kKeys / 8][4], float scale_log2,
                                             Gathered<E, M>& gathered) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float shift = gathered.largest[m][half] * scale_log2;
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
        for (int i = half * 2; i < half * 2 + 2; ++i) {
          scores[m][n][i] = exp2_fast(fmaf(scores[m][n][i], scale_log2, -shift));
          gathered.sum[m][half] += scores[m][n][i];
        }
      }
    }
  }
}

/// Computes a warp's rows with the keys [first, first + kKeys) of its span. With kSome, only the first `some` keys may
/// count.
template <int E, int M, bool kSome>
__device__ __forceinline__ void step(const TileRows& rows, int warp_row, int first, int some, int lane,
                                     float scale_log2, std::uint32_t q, std::uint32_t k_tile, std::uint32_t v_tile,
                                     Gathered<E, M>& gathered) {
  const int strips = (some + 15) / 16;
  float scores[M][kKeys / 8][4] = {};
  multiply_transposed<E, M, kSome>(q, right_address<E>(k_tile, lane), strips, scores);
  if (kSome) mask_unseen<M>(rows, warp_row, first, lane, scores);
  follow_largest<E, M>(scores, scale_log2, gathered);
  exponentials<E, M>(scores, scale_log2, gathered);
  multiply<E, M, kSome>(scores, left_address<E>(v_tile, lane), strips, gathered.mixed);
}

/// Rows of bf16 are written through the warp's rows of `shared`, in whole chunks.
template <int E, int M>
__device__ void store_bf16(const Gathered<E, M>& gathered, const TileRows& rows, int warp_row, int lane,
                           const View& out, unsigned char* shared) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      unsigned char* row = shared + (warp_row + m * 16 + half * 8 + lane / 4) * kPitch<E>;
#pragma unroll
      for (int n = 0; n < E / 8; ++n) {
        reinterpret_cast<std::uint32_t*>(row)[n * 4 + lane % 4] =
            pack_bf16(gathered.mixed[m][n][half * 2], gathered.mixed[m][n][half * 2 + 1]);
      }
    }
  }
  __syncwarp();
  constexpr int kChunks = E / 8;
  for (int index = lane; index < 16 * M * kChunks; index += kWarp) {
    const int row = warp_row + index / kChunks, chunk = index % kChunks;
    if (row >= rows.tile.rows) break;
    bf16* to = static_cast<bf16*>(out.data) + rows.query_row(row) * out.stride + rows.head(row) * E + chunk * 8;
    *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(shared + row * kPitch<E> + chunk * 16);
  }
}

template <int E, int M>
__device__ void store_f32(const Gathered<E, M>& gathered, const TileRows& rows, int warp_row, int lane,
                          const View& out) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = warp_row + m * 16 + half * 8 + lane / 4;
      if (row >= rows.tile.rows) continue;
      float* to = static_cast<float*>(out.data) + rows.query_row(row) * out.stride + rows.head(row) * E + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < E / 8; ++n) {
        *reinterpret_cast<float2*>(to + n * 8) =
            make_float2(gathered.mixed[m][n][half * 2], gathered.mixed[m][n][half * 2 + 1]);
      }
    }
  }
}

/// Divides by the sums and writes the result.
template <int E, int M>
__device__ __forceinline__ void finish(Gathered<E, M>& gathered, const TileRows& rows, int warp_row, int lane,
                                       const AttentionViews& views, unsigned char* shared) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float sum = gathered.sum[m][half];
      sum += __shfl_xor_sync(0xffffffffu, sum, 1);
      sum += __shfl_xor_sync(0xffffffffu, sum, 2);
      const float factor = 1 / sum;
#pragma unroll
      for (int n = 0; n < E / 8; ++n) {
        gathered.mixed[m][n][half * 2] *= factor;
        gathered.mixed[m][n][half * 2 + 1] *= factor;
      }
      const int row = warp_row + m * 16 + half * 8 + lane / 4;
      if (views.lse != nullptr && lane % 4 == 0 && row < rows.tile.rows) {
        views.lse[static_cast<std::int64_t>(rows.query_row(row)) * views.heads + rows.head(row)] =
            gathered.largest[m][half] * views.scale + logf(sum);
      }
    }
  }
  if (views.out.type == Element::bf16) {
    store_bf16<E, M>(gathered, rows, warp_row, lane, views.out, shared);
  } else {
    store_f32<E, M>(gathered, rows, warp_row, lane, views.out);
  }
}

/// The blocks of a multiprocessor, which limit the registers.
template <int E, int M>
constexpr int kBlocks = E > 64 ? 2 : 5 - M;

template <int E, int M>
constexpr int kSharedBytes = (16 * M * kAttentionWarps + 4 * kKeys) * kPitch<E>;  // q, and two of k and v

template <int E, int M>
__global__ void __launch_bounds__(kAttentionThreads, (kBlocks<E, M>)) attend(Arguments a) {
  constexpr int kRows = 16 * M * kAttentionWarps, kTile = kKeys * kPitch<E>;
  extern __shared__ __align__(16) unsigned char shared[];
  const std::uint32_t q_tile = shared_address(shared), kv_tiles = q_tile + kRows * kPitch<E>;
  const int lane = threadIdx.x % kWarp, warp_row = static_cast<int>(threadIdx.x) / kWarp * 16 * M;
  const int kv_head = blockIdx.x % a.views.kv_heads;
  const TileRows rows{a.plan.query_tiles[blockIdx.x / a.views.kv_heads], a.group, kv_head};
  const HeadRows k(a.views.k, kv_head, E), v(a.views.v, kv_head, E), q(a.views.q, 0, E);
  const Reach reach(rows, warp_row, 16 * M);

  Sections<KeySection> path(a.plan.key_sections + rows.tile.section);
  copy_query_rows<E, kRows>(rows, q, q_tile);
  copy_path_keys<E>(path, 0, reach.tile, k, v, kv_tiles, kv_tiles + kTile);

  const float scale_log2 = a.views.scale * kLog2E;
  Gathered<E, M> gathered;
#pragma unroll
  for (int m = 0; m < M; ++m) gathered.largest[m][0] = gathered.largest[m][1] = -INFINITY;
  const std::uint32_t q_rows = left_address<E>(q_tile + warp_row * kPitch<E>, lane);
  std::uint32_t tiles = kv_tiles;
  for (int first = 0; first < reach.tile; first += kKeys) {
    cp_async_wait();
    __syncthreads();  // all copies have arrived, and no thread reads the tiles of the previous step
    const std::uint32_t others = 2 * kv_tiles + 2 * kTile - tiles;
    if (first + kKeys < reach.tile) copy_path_keys<E>(path, first + kKeys, reach.tile, k, v, others, others + kTile);
    if (reach.sees_all(first)) {
      step<E, M, false>(rows, warp_row, first, kKeys, lane, scale_log2, q_rows, tiles, tiles + kTile, gathered);
    } else if (first < reach.warp) {
      step<E, M, true>(rows, warp_row, first, min(kKeys, reach.warp - first), lane, scale_log2, q_rows, tiles,
                       tiles + kTile, gathered);
    }
    tiles = others;
  }
  if (reach.warp > 0) finish<E, M>(gathered, rows, warp_row, lane, a.views, shared);
}

template <int E, int M>
void launch(const Arguments& arguments, cudaStream_t stream) {
  constexpr int kBytes = kSharedBytes<E, M>;
  static const bool allowed = (allow_shared_memory(attend<E, M>, kBytes), true);
  static_cast<void>(allowed);
  const auto blocks = static_cast<unsigned>(arguments.plan.query_tile_count * arguments.views.kv_heads);
  attend<E, M><<<blocks, kAttentionThreads, kBytes, stream>>>(arguments);
  check_launch("attention");
}

}  // namespace

void attention(const AttentionViews& views, const DevicePlan& plan, cudaStream_t stream) {
  if (plan.query_tile_count == 0) return;
  const int width = static_cast<int>(views.q.columns) / views.heads;
  if (!has_tensor_tiles(width, {views.q, views.k, views.v}) || !is_aligned(views.out)) {
    return attention_exact(views, plan, stream);
  }
  const Arguments arguments{views, plan, Group::of(views.heads, views.kv_heads)};
  with_width(width, [&](auto E) {
    if (plan.tile_rows == kAttentionBackwardRows) return launch<E.value, 1>(arguments, stream);
    launch<E.value, 2>(arguments, stream);
  });
}

}  // namespace e5v::ops::cuda

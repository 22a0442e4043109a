#pragma once
// Tiles of 64 or 128 rows of bf16 in shared memory, and products of them by the warps of a block.
//
// A tile's rows are one 16-byte chunk longer than E, which is an odd number of chunks. So eight rows of an 8 x 8 matrix
// are in different banks, and all addresses of a lane are one address plus constants.
//
// Legend: E head width, M 16-row strips of a warp. A warp's results are float[M][N / 8][4], in the order of mma.
#include <cmath>
#include <cstdint>

#include "ops/cuda/attention_mma.cuh"
#include "ops/cuda/attention_rows.cuh"
#include "ops/cuda/launch.cuh"

namespace e5v::ops::cuda {

constexpr int kAttentionWarps = 4, kAttentionThreads = 32 * kAttentionWarps;
constexpr int kKeys = kAttentionKeys;
constexpr float kLog2E = 1.4426950408889634f;

/// Allows a kernel this amount of dynamic shared memory. Its loads bypass the first-level cache.
template <class Kernel>
void allow_shared_memory(Kernel kernel, int bytes) {
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), "shared memory");
  check_cuda(
      cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared),
      "shared memory's part of the cache");
}

/// The bytes from a row to the next in a tile.
template <int E>
constexpr int kPitch = (E + 8) * 2;

/// The base and the distance of the rows of one head, in bytes.
struct HeadRows {
  const char* base;
  std::uint32_t pitch;

  __device__ HeadRows(const View& view, int head, int width)
      : base(static_cast<const char*>(view.data) + head * width * 2),
        pitch(static_cast<std::uint32_t>(view.stride) * 2) {}
  __device__ const char* row(int index) const {
    return base + static_cast<std::uint64_t>(static_cast<std::uint32_t>(index)) * pitch;
  }
};

/// Calls copy(row, chunk) for this thread's share of kRows rows.
template <int E, int kRows, int kUnroll, class Copy>
__device__ __forceinline__ void share_chunks(const Copy& copy) {
  constexpr int kChunks = E / 8, kRounds = kRows * kChunks / kAttentionThreads;
  static_assert(kRounds * kAttentionThreads == kRows * kChunks);
#pragma unroll kUnroll
  for (int round = 0; round < kRounds; ++round) {
    const int index = static_cast<int>(threadIdx.x) + round * kAttentionThreads;
    copy(index / kChunks, index % kChunks);
  }
}

/// Starts to copy kRows rows into a tile. source(row) is the address of a row. A larger kUnroll takes more registers.
template <int E, int kRows, int kUnroll, class Source>
__device__ __forceinline__ void copy_rows(std::uint32_t tile, const Source& source) {
  share_chunks<E, kRows, kUnroll>(
      [&](int row, int chunk) { cp_async16(tile + row * kPitch<E> + chunk * 16, source(row) + chunk * 16, 16); });
}

/// The same, slower, if a source may be null for a row of zeros. `anywhere` is a readable address.
template <int E, int kRows, class Source>
__device__ __forceinline__ void copy_some_rows(std::uint32_t tile, const char* anywhere, const Source& source) {
  share_chunks<E, kRows, 1>([&](int row, int chunk) {
    const char* from = source(row);
    cp_async16(tile + row * kPitch<E> + chunk * 16, from == nullptr ? anywhere : from + chunk * 16,
               from == nullptr ? 0 : 16);
  });
}

/// Starts to copy a tile of query rows, or of another matrix with the layout of q. Rows after the tile's become zeros.
template <int E, int kRows>
__device__ __forceinline__ void copy_query_rows(const TileRows& rows, const HeadRows& from, std::uint32_t tile) {
  copy_some_rows<E, kRows>(tile, from.base, [&](int row) -> const char* {
    return row < rows.tile.rows ? from.row(rows.query_row(row)) + rows.head(row) * E * 2 : nullptr;
  });
}

/// Starts to copy keys [first, first + kKeys) of a path and their values. Rows from `limit` on become zeros.
template <int E>
__device__ __forceinline__ void copy_path_keys(Sections<KeySection>& path, int first, int limit, const HeadRows& k,
                                               const HeadRows& v, std::uint32_t k_tile, std::uint32_t v_tile) {
  path.advance(first);
  const bool whole = first + kKeys <= min(path.current.end, limit);
  const int run = first + path.current.offset;
  const auto copy = [&](const HeadRows& rows, std::uint32_t tile) {
    if (whole) return copy_rows<E, kKeys, kKeys>(tile, [&](int row) { return rows.row(run + row); });
    copy_some_rows<E, kKeys>(tile, rows.base, [&](int row) -> const char* {
      const int key = first + row;
      return key < limit ? rows.row(key + path.of(key).offset) : nullptr;
    });
  };
  copy(k, k_tile);
  copy(v, v_tile);
}

/// The address in a tile for a lane's ldmatrix: left operands (16 rows, 16 columns), and transposed right operands.
template <int E>
__device__ __forceinline__ std::uint32_t left_address(std::uint32_t tile, int lane) {
  return tile + (lane % 16) * kPitch<E> + lane / 16 * 16;
}

/// The same for the right operands of multiply_transposed.
template <int E>
__device__ __forceinline__ std::uint32_t right_address(std::uint32_t tile, int lane) {
  return tile + (lane % 8 + lane / 16 * 8) * kPitch<E> + lane / 8 % 2 * 16;
}

/// c = a b^T: 16 M rows of E from left_address `a`, 64 rows of E from right_address `b`. With kSome only the first 16 *
/// strips rows of b are used; other columns of c stay.
template <int E, int M, bool kSome>
__device__ __forceinline__ void multiply_transposed(std::uint32_t a, std::uint32_t b, int strips,
                                                    float (&c)[M][kKeys / 8][4]) {
#pragma unroll
  for (int step = 0; step < E / 16; ++step) {
    Fragment left[M];
#pragma unroll
    for (int m = 0; m < M; ++m) left[m] = ldmatrix(a + m * 16 * kPitch<E> + step * 32);
#pragma unroll
    for (int strip = 0; strip < kKeys / 16; ++strip) {
      if (kSome && strip >= strips) continue;
      const Fragment right = ldmatrix(b + strip * 16 * kPitch<E> + step * 32);
#pragma unroll
      for (int m = 0; m < M; ++m) {
        mma(c[m][2 * strip], left[m], right.matrix[0], right.matrix[1], step == 0);
        mma(c[m][2 * strip + 1], left[m], right.matrix[2], right.matrix[3], step == 0);
      }
    }
  }
}

/// c += a b: a [16 M, 64] is rounded to bf16, b is 64 rows of E from left_address `b`. With kSome only the first 16 *
/// strips columns of a are used.
template <int E, int M, bool kSome>
__device__ __forceinline__ void multiply(const float (&a)[M][kKeys / 8][4], std::uint32_t b, int strips,
                                         float (&c)[M][E / 8][4]) {
#pragma unroll
  for (int strip = 0; strip < kKeys / 16; ++strip) {
    if (kSome && strip >= strips) continue;
    Fragment left[M];
#pragma unroll
    for (int m = 0; m < M; ++m) {
      const float(&first)[4] = a[m][2 * strip];
      const float(&second)[4] = a[m][2 * strip + 1];
      left[m] = {pack_bf16(first[0], first[1]), pack_bf16(first[2], first[3]), pack_bf16(second[0], second[1]),
                 pack_bf16(second[2], second[3])};
    }
#pragma unroll
    for (int column = 0; column < E / 16; ++column) {
      const Fragment right = ldmatrix_transposed(b + strip * 16 * kPitch<E> + column * 32);
#pragma unroll
      for (int m = 0; m < M; ++m) {
        mma(c[m][2 * column], left[m], right.matrix[0], right.matrix[1]);
        mma(c[m][2 * column + 1], left[m], right.matrix[2], right.matrix[3]);
      }
    }
  }
}

/// Keys from `first` on that a row does not attend to get the score -infinity.
template <int M>
__device__ __forceinline__ void mask_unseen(const TileRows& rows, int warp_row, int first, int lane,
                                            float (&scores)[M][kKeys / 8][4]) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      // The lane's first key is first + 2 (lane % 4).
      const int seen = rows.seen(warp_row + m * 16 + half * 8 + lane / 4) - first - lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
        if (n * 8 >= seen) scores[m][n][half * 2] = -INFINITY;
        if (n * 8 + 1 >= seen) scores[m][n][half * 2 + 1] = -INFINITY;
      }
    }
  }
}

}  // namespace e5v::ops::cuda

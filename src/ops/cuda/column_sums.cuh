#pragma once
// Sums over the rows of a matrix [T, D] in two stages: slices of rows have partial sums, which are then added. The
// order depends only on the shape, so that results repeat to the bit.
#include "ops/cuda/packs.cuh"

namespace e5v::ops::cuda {

constexpr int kSliceWarps = 8, kPartialWarps = 32;

/// The number of slices of rows: enough for all multiprocessors, with 32 rows or more in each.
inline std::int64_t column_slices(std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kBlocks = 2048, kTile = 128, kMinRows = 32;
  const std::int64_t wanted = std::max<std::int64_t>(1, kBlocks / std::max<std::int64_t>(1, ceil_div(columns, kTile)));
  return std::clamp<std::int64_t>(ceil_div(rows, kMinRows), 1, wanted);
}

/// partials [Source::kSums, gridDim.y, columns]. A block takes 32 packs of columns and a slice of rows, and each warp
/// takes every eighth row. source.read(row, column, terms) reads the terms of a pack.
template <int N, class Source>
__global__ void __launch_bounds__(kSliceWarps* kWarp)
    sum_slices(Source source, std::int64_t rows, std::int64_t columns, std::int64_t slice, float* partials) {
  constexpr int kSums = Source::kSums, kTile = kWarp * N;
  __shared__ float parts[kSliceWarps][kSums][kTile];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const std::int64_t tile = static_cast<std::int64_t>(blockIdx.x) * kTile, column = tile + lane * N;
  const std::int64_t begin = blockIdx.y * slice, end = begin + slice < rows ? begin + slice : rows;
  float sums[kSums][N] = {};
  if (column < columns) {
#pragma unroll 4
    for (std::int64_t row = begin + warp; row < end; row += kSliceWarps) {
      float terms[kSums][N];
      source.read(row, column, terms);
#pragma unroll
      for (int i = 0; i < kSums * N; ++i) sums[i / N][i % N] += terms[i / N][i % N];
    }
  }
#pragma unroll
  for (int i = 0; i < kSums * N; ++i) parts[warp][i / N][lane * N + i % N] = sums[i / N][i % N];
  __syncthreads();
  for (int i = warp * kWarp + lane; i < kSums * kTile; i += kSliceWarps * kWarp) {
    const int sum = i / kTile, place = i % kTile;
    if (tile + place >= columns) continue;
    float total = 0;
#pragma unroll
    for (int w = 0; w < kSliceWarps; ++w) total += parts[w][sum][place];
    partials[(sum * static_cast<std::int64_t>(gridDim.y) + blockIdx.y) * columns + tile + place] = total;
  }
}

/// sums [columns] += the sum of the rows of partials [slices, columns].
static __global__ void __launch_bounds__(kPartialWarps* kWarp)
    add_partials(const float* partials, std::int64_t slices, std::int64_t columns, float* sums) {
  __shared__ double parts[kPartialWarps][kWarp];
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kWarp + threadIdx.x;
  double total = 0;
  if (column < columns) {
    for (std::int64_t i = threadIdx.y; i < slices; i += kPartialWarps) total += partials[i * columns + column];
  }
  parts[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  for (int w = 1; w < kPartialWarps; ++w) total += parts[w][threadIdx.x];
  sums[column] += static_cast<float>(total);
}

/// sums[i][j] += the sum of the i-th terms of column j over all rows. A null sum is not computed. partials holds
/// Source::kSums column_slices(rows, columns) columns floats. rows and columns are not 0.
template <int N, class Source>
void launch_column_sums(const char* name, const Source& source, std::int64_t rows, std::int64_t columns,
                        std::initializer_list<float*> sums, float* partials, cudaStream_t stream) {
  const std::int64_t slices = column_slices(rows, columns);
  const dim3 grid(static_cast<unsigned>(ceil_div(columns, kWarp * N)), static_cast<unsigned>(slices));
  sum_slices<N><<<grid, dim3(kWarp, kSliceWarps), 0, stream>>>(source, rows, columns, ceil_div(rows, slices), partials);
  check_launch(name);
  for (float* sum : sums) {
    if (sum != nullptr) {
      add_partials<<<static_cast<unsigned>(ceil_div(columns, kWarp)), dim3(kWarp, kPartialWarps), 0, stream>>>(
          partials, slices, columns, sum);
      check_launch(name);
    }
    partials += slices * columns;
  }
}

}  // namespace e5v::ops::cuda

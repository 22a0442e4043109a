#pragma once
// Kernels that read a row several times. A warp or a block shares the row, and keeps it in registers if it can.
#include "ops/cuda/packs.cuh"

namespace e5v::ops::cuda {

/// The division of a row among threads: kThreads of them take packs of kPack columns, kThreads packs apart, and keep
/// kSteps of them in registers. With kSteps = 0 they read the row again for each pass.
template <int kThreads_, int kSteps_, int kPack_>
struct Shape {
  static constexpr int kThreads = kThreads_, kSteps = kSteps_, kPack = kPack_;
  static constexpr int kRows = kThreads == kWarp ? kBlock / kWarp : 1;  // of a block
  static constexpr int kBlockThreads = kThreads * kRows;

  static dim3 block() { return {kThreads, kRows}; }
  static dim3 grid(std::int64_t rows) { return {static_cast<unsigned>(ceil_div(rows, kRows))}; }
  /// The row of this thread.
  __device__ static std::int64_t row() { return static_cast<std::int64_t>(blockIdx.x) * kRows + threadIdx.y; }
};

/// A row as its threads read it. The values of a pack are source.values(source.load(column)). A thread starts all its
/// loads before it computes the first values.
template <class Shape, class Source>
class HeldRow {
 public:
  using Values = typename Source::Values;

  __device__ HeldRow(const Source& source, std::int64_t columns) : source_(source), columns_(columns) {
    typename Source::Loaded loaded[kHeld];
#pragma unroll
    for (int step = 0; step < Shape::kSteps; ++step) {
      if (column_of(step) < columns_) loaded[step] = source_.load(column_of(step));
    }
#pragma unroll
    for (int step = 0; step < Shape::kSteps; ++step) {
      if (column_of(step) < columns_) held_[step] = source_.values(loaded[step]);
    }
  }

  /// Calls f(column, values) for the packs of the thread.
  template <class F>
  __device__ void each(const F& f) const {
    if constexpr (Shape::kSteps > 0) {
#pragma unroll
      for (int step = 0; step < Shape::kSteps; ++step) {
        if (column_of(step) < columns_) f(column_of(step), held_[step]);
      }
    } else {
#pragma unroll 2
      for (std::int64_t column = column_of(0); column < columns_; column += Shape::kThreads * Shape::kPack) {
        f(column, source_.values(source_.load(column)));
      }
    }
  }

 private:
  static constexpr int kHeld = Shape::kSteps > 0 ? Shape::kSteps : 1;

  __device__ static std::int64_t column_of(int step) {
    return (step * Shape::kThreads + static_cast<int>(threadIdx.x)) * Shape::kPack;
  }

  Source source_;
  std::int64_t columns_;
  Values held_[kHeld];
};

/// The current row of a matrix.
template <class T, int N>
struct PlainRow {
  static constexpr int kPack = N;
  using Values = Pack<T, N>;
  using Loaded = Values;
  Rows<const T> x;

  __device__ void enter(std::int64_t row) { x.enter(row); }
  __device__ Loaded load(std::int64_t column) const { return load_pack<N>(x.data + column); }
  __device__ static Values values(const Loaded& loaded) { return loaded; }
};

/// Replaces each of the values by the combination of the values of all threads of a row, in all of them.
template <class Shape, int kCount, class Combine>
__device__ void reduce(float (&values)[kCount], const Combine& combine) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
#pragma unroll
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
      values[i] = combine(values[i], __shfl_xor_sync(0xFFFF'FFFFu, values[i], offset));
    }
  }
  if constexpr (Shape::kThreads > kWarp) {
    constexpr int kWarps = Shape::kThreads / kWarp;
    __shared__ float parts[kCount][kWarps];
    __syncthreads();  // the parts of earlier values have been read
    if (threadIdx.x % kWarp == 0) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) parts[i][threadIdx.x / kWarp] = values[i];
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      values[i] = parts[i][0];
#pragma unroll
      for (int warp = 1; warp < kWarps; ++warp) values[i] = combine(values[i], parts[i][warp]);
    }
  }
}

}  // namespace e5v::ops::cuda

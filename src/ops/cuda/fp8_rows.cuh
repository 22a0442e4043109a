#pragma once
// The targets of kernels: rows in a type, or rounded to 8-bit floats.
#include <cuda_fp8.h>

#include "ops/cuda/held_row.cuh"

namespace e5v::ops::cuda {

/// Rows in a type.
template <class T>
struct PlainTarget {
  using Type = T;
  Rows<T> y;

  __device__ void enter(std::int64_t row) { y.enter(row); }
  /// make(column, values) computes the packs of the current row.
  template <class Shape, class Row, class Make>
  __device__ void store(const Row& row, const Make& make) const {
    row.each([&](std::int64_t column, const auto& values) { store_pack(make(column, values), y.data + column); });
  }
};

constexpr float kLargestFp8 = 448;

/// The larger one; NaN when one is NaN.
__device__ inline float greater(float a, float b) {
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
}

template <class T, int N>
__device__ Pack<std::uint8_t, N> to_fp8(const Pack<T, N>& pack, float factor) {
  const auto scaled = [&](int i) { return to_float(pack.values[i]) * factor; };
  Pack<std::uint8_t, N> result;
  if constexpr (N == 1) {
    result.values[0] = __nv_cvt_float_to_fp8(scaled(0), __NV_SATFINITE, __NV_E4M3);
  } else {
#pragma unroll
    for (int i = 0; i < N; i += 2) {
      const auto two = __nv_cvt_float2_to_fp8x2({scaled(i), scaled(i + 1)}, __NV_SATFINITE, __NV_E4M3);
      memcpy(&result.values[i], &two, 2);
    }
  }
  return result;
}

/// Rows in a type, if they are wanted, and the same rows rounded: q = round(x / scale), scale = max|x| / 448. Rows that
/// are too small for a finite 1 / scale count as zeros.
template <class T>
struct Fp8Target {
  using Type = T;
  Fp8View q;
  std::int64_t columns = 0;
  Rows<T> y;                             // or nothing
  const std::uint8_t* wanted = nullptr;  // whether each row of y is wanted; null: all are
  bool wants = false;                    // for the current row

  Fp8Target(const Fp8View& rounded, std::int64_t width) : q(rounded), columns(width) {}
  Fp8Target(const Fp8View& rounded, std::int64_t width, Rows<T> rows, const std::uint8_t* which)
      : q(rounded), columns(width), y(rows), wanted(which) {}

  __device__ void enter(std::int64_t row) {
    q.values += row * columns;
    q.scales += row;
    wants = y.data != nullptr && (wanted == nullptr || wanted[row] != 0);
    y.enter(row);
  }
  /// Like PlainTarget's. make is called twice.
  template <class Shape, class Row, class Make>
  __device__ void store(const Row& row, const Make& make) const {
    float largest[1] = {};
    row.each([&](std::int64_t column, const auto& values) {
      const auto made = make(column, values);
      if (wants) store_pack(made, y.data + column);
#pragma unroll
      for (int i = 0; i < Shape::kPack; ++i) largest[0] = greater(largest[0], fabsf(to_float(made.values[i])));
    });
    reduce<Shape>(largest, greater);
    const float inverse = kLargestFp8 / largest[0];
    const bool zeros = isinf(inverse);  // the inverse of NaN is NaN, which the scale gets, too
    const float factor = zeros ? 0.0f : inverse;
    row.each([&](std::int64_t column, const auto& values) {
      store_pack(to_fp8(make(column, values), factor), q.values + column);
    });
    if (threadIdx.x == 0) *q.scales = zeros ? 1.0f : largest[0] / kLargestFp8;
  }
};

/// Rounds the packs of a source, which are numbers of the target's type.
template <class Shape, class Source, class T>
__global__ void __launch_bounds__(Shape::kBlockThreads)
    fp8_kernel(Source source, std::int64_t rows, Fp8Target<T> target) {
  const std::int64_t index = Shape::row();
  if (index >= rows) return;
  source.enter(index);
  target.enter(index);
  const HeldRow<Shape, Source> row(source, target.columns);
  target.template store<Shape>(row, [](std::int64_t, const Pack<T, Shape::kPack>& values) { return values; });
}

template <class Source, class T>
void launch_fp8(const char* name, const Source& source, std::int64_t rows, const Fp8Target<T>& target,
                cudaStream_t stream) {
  if (rows == 0 || target.columns == 0) return;
  constexpr int N = Source::kPack;
  const auto launch = [&](auto shape) {
    using Shape = decltype(shape);
    fp8_kernel<Shape><<<Shape::grid(rows), Shape::block(), 0, stream>>>(source, rows, target);
    check_launch(name);
  };
  if (target.columns <= 512) return launch(Shape<32, 16 / N, N>{});
  if (target.columns <= 4096) return launch(Shape<256, 16 / N, N>{});
  if constexpr (N > 1) {  // single elements would need too many registers
    if (target.columns <= 16384) return launch(Shape<512, 32 / N, N>{});
  }
  launch(Shape<512, 0, N>{});
}

}  // namespace e5v::ops::cuda

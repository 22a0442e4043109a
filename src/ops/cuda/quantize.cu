// Activations and weights rounded to 8-bit floats, and stored integers turned into numbers.
#include <cuda_fp8.h>

#include "ops/cuda/packs.cuh"

namespace e5v::ops::cuda {
namespace {

constexpr float kLargestE4m3 = 448;
constexpr int kQuantizeThreads = 256, kBytesAtOnce = 8;

/// A block for each row, which it reads twice: the second time from a cache.
template <class T>
__global__ void __launch_bounds__(kQuantizeThreads)
    quantize_fp8_kernel(Rows<const T> x, std::int64_t columns, std::uint8_t* q, float* scales) {
  __shared__ float largest_of_warp[kQuantizeThreads / kWarp];
  const std::int64_t row = blockIdx.x;
  x.enter(row);
  float largest = 0;
  for (std::int64_t c = threadIdx.x * kBytesAtOnce; c < columns; c += kQuantizeThreads * kBytesAtOnce) {
#pragma unroll
    for (int half = 0; half < kBytesAtOnce; half += kWidePack<T>) {
      const auto pack = load_pack<kWidePack<T>>(x.data + c + half);
#pragma unroll
      for (int i = 0; i < kWidePack<T>; ++i) largest = fmaxf(largest, fabsf(to_float(pack.values[i])));
    }
  }
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, offset));
  }
  if (threadIdx.x % kWarp == 0) largest_of_warp[threadIdx.x / kWarp] = largest;
  __syncthreads();
#pragma unroll
  for (int warp = 0; warp < kQuantizeThreads / kWarp; ++warp) largest = fmaxf(largest, largest_of_warp[warp]);
  if (threadIdx.x == 0) scales[row] = largest > 0 ? largest / kLargestE4m3 : 1;
  const float factor = largest > 0 ? kLargestE4m3 / largest : 0;
  for (std::int64_t c = threadIdx.x * kBytesAtOnce; c < columns; c += kQuantizeThreads * kBytesAtOnce) {
    Pack<std::uint8_t, kBytesAtOnce> bytes;
#pragma unroll
    for (int half = 0; half < kBytesAtOnce; half += kWidePack<T>) {
      const auto pack = load_pack<kWidePack<T>>(x.data + c + half);
#pragma unroll
      for (int i = 0; i < kWidePack<T>; ++i) {
        bytes.values[half + i] = __nv_cvt_float_to_fp8(to_float(pack.values[i]) * factor, __NV_SATFINITE, __NV_E4M3);
      }
    }
    store_pack(bytes, q + row * columns + c);
  }
}

__device__ float scale_at(const void* scales, Element type, std::int64_t i) {
  if (type == Element::f32) return static_cast<const float*>(scales)[i];
  if (type == Element::bf16) return to_float(static_cast<const bf16*>(scales)[i]);
  return to_float(static_cast<const __half*>(scales)[i]);
}

struct Int8Numbers {
  const std::int8_t* values;
  const void* scales;
  Element scale_type;
  std::int64_t columns;

  __device__ float at(std::int64_t row, std::int64_t column) const {
    return static_cast<float>(values[row * columns + column]) * scale_at(scales, scale_type, row);
  }
};

struct Int4Numbers {
  const std::uint32_t* words;
  const void* scales;
  Element scale_type;
  std::int64_t words_of_row, group, groups;

  __device__ float at(std::int64_t row, std::int64_t column) const {
    const std::uint32_t word = words[row * words_of_row + column / 8];
    const int value = static_cast<int>(word >> (4 * (column % 8)) & 15u) - 8;
    return static_cast<float>(value) * scale_at(scales, scale_type, row * groups + column / group);
  }
};

struct Nf4Numbers {
  Nf4View view;
  std::int64_t columns;

  __device__ float at(std::int64_t row, std::int64_t column) const {
    const std::int64_t i = row * columns + column, block = i / kNf4BlockOfView;
    const std::uint8_t byte = view.codes[i / 2];
    const float number = view.code_map[i % 2 == 0 ? byte >> 4 : byte & 15];
    if (view.nested_scales == nullptr) return number * static_cast<const float*>(view.scales)[block];
    const float rounded = view.scale_map[static_cast<const std::uint8_t*>(view.scales)[block]];
    const float scale = __fadd_rn(__fmul_rn(rounded, view.nested_scales[block / kNf4NestedBlockOfView]), view.offset);
    return number * scale;
  }
};

/// Eight neighbouring columns a thread.
template <class Numbers, class T>
__global__ void expand_kernel(Numbers numbers, Rows<T> y, std::int64_t columns) {
  const std::int64_t row = blockIdx.x;
  y.enter(row);
  for (std::int64_t first = 8 * static_cast<std::int64_t>(threadIdx.x); first < columns; first += 8 * blockDim.x) {
    const std::int64_t end = min(first + 8, columns);
    for (std::int64_t c = first; c < end; ++c) y.data[c] = from_float<T>(numbers.at(row, c));
  }
}

template <class Numbers>
void expand_rows(const Numbers& numbers, const View& y, cudaStream_t stream) {
  if (y.rows == 0 || y.columns == 0) return;
  with_activation_type(y.type, [&](auto to) {
    using To = typename decltype(to)::type;
    expand_kernel<<<static_cast<unsigned>(y.rows), kBlock, 0, stream>>>(numbers, Rows<To>(y), y.columns);
  });
  check_launch("expand");
}

}  // namespace

void quantize_fp8_rows(View x, void* q, float* scales, cudaStream_t stream) {
  if (x.rows == 0) return;
  with_activation_type(x.type, [&](auto from) {
    using From = typename decltype(from)::type;
    quantize_fp8_kernel<<<static_cast<unsigned>(x.rows), kQuantizeThreads, 0, stream>>>(
        Rows<const From>(static_cast<const From*>(x.data), x.stride), x.columns, static_cast<std::uint8_t*>(q), scales);
  });
  check_launch("quantize_fp8_rows");
}

void expand_int8(const std::int8_t* values, const void* scales, Element scale_type, View y, cudaStream_t stream) {
  expand_rows(Int8Numbers{values, scales, scale_type, y.columns}, y, stream);
}

void expand_int4(const std::int32_t* words, const void* scales, Element scale_type, std::int64_t group, View y,
                 cudaStream_t stream) {
  expand_rows(Int4Numbers{reinterpret_cast<const std::uint32_t*>(words), scales, scale_type, (y.columns + 7) / 8, group,
                          y.columns / group},
              y, stream);
}

void expand_nf4(const Nf4View& weight, View y, cudaStream_t stream) {
  expand_rows(Nf4Numbers{weight, y.columns}, y, stream);
}

}  // namespace e5v::ops::cuda

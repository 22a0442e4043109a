// The kernels of optimizers. AdamW rounds every operation as cpu/adamw.cpp does: no operations are fused.
#include "ops/cuda/packs.cuh"

namespace e5v::ops::cuda {
namespace {

template <int N>
struct Step {
  static constexpr int kPack = N, kAtOnce = 1;
  struct Loaded {
    Pack<float, N> value, gradient, mean, square;
  };
  AdamWFactors f;
  float* values;
  const float* gradients;
  float *means, *squares;

  __device__ bool enter(std::int64_t) { return true; }
  __device__ Loaded load(std::int64_t i) const {
    return {load_pack<N>(values + i), load_pack<N>(gradients + i), load_pack<N>(means + i), load_pack<N>(squares + i)};
  }
  __device__ void store(std::int64_t first, Loaded& loaded) const {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float gradient = loaded.gradient.values[i];
      float &value = loaded.value.values[i], &mean = loaded.mean.values[i], &square = loaded.square.values[i];
      mean = __fadd_rn(mean, __fmul_rn(f.one_minus_beta1, __fsub_rn(gradient, mean)));
      square = __fadd_rn(__fmul_rn(f.beta2, square), __fmul_rn(__fmul_rn(f.one_minus_beta2, gradient), gradient));
      const float root = __fadd_rn(__fdiv_rn(__fsqrt_rn(square), f.correction2), f.epsilon);
      value = __fsub_rn(__fmul_rn(f.keep, value), __fdiv_rn(__fmul_rn(f.size, mean), root));
    }
    store_pack(loaded.mean, means + first);
    store_pack(loaded.square, squares + first);
    store_pack(loaded.value, values + first);
  }
};

struct Scale {
  float factor;
  __device__ float operator()(float x) const { return x * factor; }
};

/// partials[b] is the sum of block b. Threads take groups of four elements, even if one access cannot read them, so
/// that the order does not depend on the address.
template <int N>
__global__ void __launch_bounds__(kBlock) square_sum_kernel(const float* x, std::int64_t count, double* partials) {
  constexpr int kGroup = 4;
  const std::int64_t groups = count / kGroup, apart = static_cast<std::int64_t>(gridDim.x) * kBlock;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kBlock + threadIdx.x;
  double sum = 0;
#pragma unroll 4
  for (std::int64_t group = thread; group < groups; group += apart) {
#pragma unroll
    for (int part = 0; part < kGroup; part += N) {
      const auto pack = load_pack<N>(x + group * kGroup + part);
#pragma unroll
      for (int i = 0; i < N; ++i) sum += static_cast<double>(pack.values[i]) * static_cast<double>(pack.values[i]);
    }
  }
  if (thread < count % kGroup) {
    const double last = x[groups * kGroup + thread];
    sum += last * last;
  }
  __shared__ double parts[kBlock / kWarp];
  for (int offset = kWarp / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xFFFF'FFFFu, sum, offset);
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < kBlock / kWarp; ++warp) sum += parts[warp];
  partials[blockIdx.x] = sum;
}

constexpr int kWide = kWidePack<float>;

bool is_wide(std::initializer_list<const float*> lists, std::int64_t count) {
  bool wide = count % kWide == 0;
  for (const float* list : lists) wide = wide && is_aligned(list, 16);
  return wide;
}

}  // namespace

void adamw(const AdamWFactors& factors, float* values, const float* gradient, float* mean, float* square,
           std::int64_t count, cudaStream_t stream) {
  with_pack<kWide>(is_wide({values, gradient, mean, square}, count), [&](auto pack) {
    launch_packs("adamw", Step<decltype(pack)::value>{factors, values, gradient, mean, square}, 1, count, stream);
  });
}

void square_sums(const float* x, std::int64_t count, double* partials, cudaStream_t stream) {
  with_pack<kWide>(is_aligned(x, 16), [&](auto pack) {
    square_sum_kernel<decltype(pack)::value><<<kSquareSumPartials, kBlock, 0, stream>>>(x, count, partials);
    check_launch("square_sums");
  });
}

void scale(float* x, std::int64_t count, float factor, cudaStream_t stream) {
  const View view{x, Element::f32, 1, count, count};
  launch_map<float, float>("scale", view, view, Scale{factor}, stream);
}

}  // namespace e5v::ops::cuda

// What an optimizer does. AdamW rounds every operation as train/adamw.cpp does on a CPU: nothing is contracted.
#include <algorithm>

#include "ops/cuda/kernels.h"
#include "ops/cuda/launch.cuh"

namespace e5v::ops::cuda {
namespace {

constexpr int kThreads = 256;

unsigned blocks_for(std::int64_t count, std::int64_t most) {
  return static_cast<unsigned>(std::min((count + kThreads - 1) / kThreads, most));
}

__global__ void adamw_kernel(float* values, const float* gradient, float* mean, float* square, std::int64_t count,
                             AdamWFactors f) {
  const std::int64_t apart = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += apart) {
    const float g = gradient[i];
    const float m = __fadd_rn(mean[i], __fmul_rn(f.one_minus_beta1, __fsub_rn(g, mean[i])));
    const float s = __fadd_rn(__fmul_rn(f.beta2, square[i]), __fmul_rn(__fmul_rn(f.one_minus_beta2, g), g));
    const float root = __fadd_rn(__fdiv_rn(__fsqrt_rn(s), f.correction2), f.epsilon);
    mean[i] = m;
    square[i] = s;
    values[i] = __fsub_rn(__fmul_rn(f.keep, values[i]), __fdiv_rn(__fmul_rn(f.size, m), root));
  }
}

__global__ void square_sum_kernel(const float* x, std::int64_t count, double* partials) {
  __shared__ double sums[kThreads];
  double sum = 0;
  const std::int64_t apart = static_cast<std::int64_t>(kSquareSumPartials) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += apart) {
    sum += static_cast<double>(x[i]) * x[i];
  }
  sums[threadIdx.x] = sum;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) partials[blockIdx.x] = sums[0];
}

__global__ void scale_kernel(float* x, std::int64_t count, float factor) {
  const std::int64_t apart = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += apart) {
    x[i] *= factor;
  }
}

constexpr std::int64_t kMostBlocks = 4096;

}  // namespace

void adamw(const AdamWFactors& factors, float* values, const float* gradient, float* mean, float* square,
           std::int64_t count, cudaStream_t stream) {
  if (count == 0) return;
  adamw_kernel<<<blocks_for(count, kMostBlocks), kThreads, 0, stream>>>(values, gradient, mean, square, count, factors);
  check_launch("adamw");
}

void square_sums(const float* x, std::int64_t count, double* partials, cudaStream_t stream) {
  square_sum_kernel<<<kSquareSumPartials, kThreads, 0, stream>>>(x, count, partials);
  check_launch("square_sums");
}

void scale(float* x, std::int64_t count, float factor, cudaStream_t stream) {
  if (count == 0) return;
  scale_kernel<<<blocks_for(count, kMostBlocks), kThreads, 0, stream>>>(x, count, factor);
  check_launch("scale");
}

}  // namespace e5v::ops::cuda

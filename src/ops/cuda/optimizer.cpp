#include <array>
#include <numeric>

#include "ops/cuda/backend.h"
#include "ops/cuda/memory.h"

namespace e5v::ops::cuda {

void CudaBackend::adamw(const AdamWFactors& factors, float* values, const float* gradient, float* mean, float* square,
                        std::int64_t count) {
  cuda::adamw(factors, values, gradient, mean, square, count, stream_);
}

double CudaBackend::square_sum(const float* x, std::int64_t count) {
  const Temporary memory(kSquareSumPartials * sizeof(double), stream_);
  square_sums(x, count, memory.as<double>(), stream_);
  std::array<double, kSquareSumPartials> partials{};
  copy(memory.as<const std::byte>(), tensor::Place::device, reinterpret_cast<std::byte*>(partials.data()),
       tensor::Place::host, sizeof partials);
  return std::accumulate(partials.begin(), partials.end(), 0.0);
}

void CudaBackend::scale(float* x, std::int64_t count, float factor) { cuda::scale(x, count, factor, stream_); }

}  // namespace e5v::ops::cuda

#include <numeric>
#include <vector>

#include "ops/cuda/backend.h"
#include "ops/cuda/memory.h"

namespace e5v::ops::cuda {

void CudaBackend::adamw(const AdamWFactors& factors, float* values, const float* gradient, float* mean, float* square,
                        std::int64_t count) {
  cuda::adamw(factors, values, gradient, mean, square, count, stream_);
}

double CudaBackend::square_sum(std::span<const std::span<const float>> lists) {
  std::vector<double> partials(lists.size() * kSquareSumPartials);
  const std::size_t bytes = partials.size() * sizeof(double);
  const Temporary memory(bytes, stream_);
  double* next = memory.as<double>();
  for (const std::span<const float> list : lists) {
    square_sums(list.data(), static_cast<std::int64_t>(list.size()), next, stream_);
    next += kSquareSumPartials;
  }
  copy(memory.as<const std::byte>(), tensor::Place::device, reinterpret_cast<std::byte*>(partials.data()),
       tensor::Place::host, bytes);
  return std::accumulate(partials.begin(), partials.end(), 0.0);
}

void CudaBackend::scale(float* x, std::int64_t count, float factor) { cuda::scale(x, count, factor, stream_); }

}  // namespace e5v::ops::cuda

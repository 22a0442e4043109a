#include "ops/optimizer.h"

#include "ops/backend.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

void adamw(const AdamWFactors& factors, std::span<const AdamWTensor> tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const AdamWTensor& t = tensors[i];
    const std::size_t size = t.values.size();
    require(t.gradient.size() == size && t.mean.size() == size && t.square.size() == size,
            "[adamw] tensor {} has {} values, {} of a gradient and averages of {} and {}", i, size, t.gradient.size(),
            t.mean.size(), t.square.size());
    require(t.place == tensors[0].place, "[adamw] tensor {} is in another place than the first", i);
  }
  if (tensors.empty()) return;
  if (tensors[0].place == tensor::Place::host) return cpu::adamw(factors, tensors);
  for (const AdamWTensor& t : tensors) {
    backend().adamw(factors, t.values.data(), t.gradient.data(), t.mean.data(), t.square.data(),
                    static_cast<std::int64_t>(t.values.size()));
  }
}

double square_sum(std::span<const std::span<const float>> lists, tensor::Place place) {
  return place == tensor::Place::host ? cpu::square_sum(lists) : backend().square_sum(lists);
}

void scale(std::span<const std::span<float>> lists, float factor, tensor::Place place) {
  if (place == tensor::Place::host) return cpu::scale(lists, factor);
  for (const std::span<float> list : lists) {
    backend().scale(list.data(), static_cast<std::int64_t>(list.size()), factor);
  }
}

}  // namespace e5v::ops

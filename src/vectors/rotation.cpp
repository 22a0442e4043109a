#include "vectors/rotation.h"

#include <bit>
#include <cmath>

#include "base/error.h"
#include "base/philox.h"

namespace e5v::vectors {
namespace {

/// The Hadamard transform, not scaled, of as many numbers as a power of two.
void hadamard(std::span<float> x) {
  for (std::size_t half = 1; half < x.size(); half *= 2) {
    for (std::size_t begin = 0; begin < x.size(); begin += 2 * half) {
      float *first = x.data() + begin, *second = first + half;
      for (std::size_t i = 0; i < half; ++i) {
        const float a = first[i], b = second[i];
        first[i] = a + b, second[i] = a - b;
      }
    }
  }
}

}  // namespace

Rotation::Rotation(std::int64_t width) {
  constexpr std::int64_t kMaxWidth = 65536;
  require(width > 0 && width <= kMaxWidth, "[rotation] vectors have {} dimensions, expected 1 to {}", width, kMaxWidth);
  signs_.resize(static_cast<std::size_t>(width));
  power_ = std::bit_floor(signs_.size());
  const float scale = 1 / std::sqrt(static_cast<float>(power_));
  constexpr Philox random(/*seed=*/0, /*stream=*/0);
  for (std::size_t i = 0; i < signs_.size(); ++i) signs_[i] = random.at(i) % 2 == 0 ? scale : -scale;
}

void Rotation::apply(std::span<float> x_D) const {
  require(x_D.size() == signs_.size(), "[rotation] a vector has {} dimensions, expected {}", x_D.size(), signs_.size());
  const auto transform = [&](std::size_t begin) {
    for (std::size_t i = begin; i < begin + power_; ++i) x_D[i] *= signs_[i];
    hadamard(x_D.subspan(begin, power_));
  };
  transform(0);
  if (power_ < x_D.size()) transform(x_D.size() - power_);
}

}  // namespace e5v::vectors

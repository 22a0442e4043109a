#include "quantize/rounding.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace e5v::quantize {

using tensor::DType;

namespace {

/// The sum of importance (w - q s)^2 over a group.
float int4_error(const float* w, const float* importance, std::int64_t count, float scale) {
  const float inverse = 1 / scale;
  float error = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float difference = w[i] - nearest_int4(w[i], inverse) * scale;
    error += difference * difference * (importance == nullptr ? 1.0f : importance[i]);
  }
  return error;
}

}  // namespace

float round_to(DType type, float value) {
  switch (type) {
    case DType::bf16: return static_cast<float>(tensor::BFloat16(value));
    case DType::f16: return static_cast<float>(tensor::Half(value));
    default: return value;
  }
}

void store(const tensor::Tensor& tensor, std::int64_t index, float value) {
  const auto place = static_cast<std::size_t>(index);
  switch (tensor.dtype()) {
    case DType::bf16: tensor.as<tensor::BFloat16>()[place] = tensor::BFloat16(value); break;
    case DType::f16: tensor.as<tensor::Half>()[place] = tensor::Half(value); break;
    default: tensor.as<float>()[place] = value;
  }
}

float nearest_int4(float w, float inverse) { return std::clamp(std::nearbyint(w * inverse), -8.0f, 7.0f); }

/// A negative scale lets a large positive value use -8, which has no positive counterpart.
float best_int4_scale(const float* w, const float* importance, std::int64_t count, DType type) {
  constexpr std::array kShares{1.0f, 0.95f, 0.9f, 0.85f, 0.8f, 0.75f, 0.7f, 0.65f, 0.6f};
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(w[i]));
  if (largest == 0) return 1;
  float best = 0, best_error = INFINITY;
  for (const float share : kShares) {
    for (const float steps : {7.0f, 8.0f, -8.0f}) {
      const float scale = round_to(type, largest * share / steps);
      if (scale == 0) continue;
      const float error = int4_error(w, importance, count, scale);
      if (error < best_error) best = scale, best_error = error;
    }
  }
  return best == 0 ? 1 : best;  // numbers that are too small for the scale's type become zero
}

void pack_int4(const float* q, std::int64_t count, std::int32_t* words) {
  for (std::int64_t k = 0; k < count; k += 8) {
    std::uint32_t word = 0;
    for (std::int64_t i = 0; i < 8; ++i) word |= static_cast<std::uint32_t>(q[k + i] + 8) << (4 * i);
    words[k / 8] = static_cast<std::int32_t>(word);
  }
}

}  // namespace e5v::quantize

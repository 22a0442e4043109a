#include "quantize/weights.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parallel.h"

namespace e5v::quantize {
namespace {

using tensor::DType;

float round_to(DType type, float value) {
  switch (type) {
    case DType::bf16: return static_cast<float>(tensor::BFloat16(value));
    case DType::f16: return static_cast<float>(tensor::Half(value));
    default: return value;
  }
}

void store_scale(const tensor::Tensor& scales, std::int64_t index, float value) {
  const auto place = static_cast<std::size_t>(index);
  switch (scales.dtype()) {
    case DType::bf16: scales.as<tensor::BFloat16>()[place] = tensor::BFloat16(value); break;
    case DType::f16: scales.as<tensor::Half>()[place] = tensor::Half(value); break;
    default: scales.as<float>()[place] = value;
  }
}

float largest_of(const float* w, std::int64_t count) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(w[i]));
  return largest;
}

float nearest_int4(float w, float inverse) { return std::clamp(std::nearbyint(w * inverse), -8.0f, 7.0f); }

/// Sum of importance (w - q s)^2 over a group.
float int4_error(const float* w, const float* importance, std::int64_t count, float scale) {
  const float inverse = 1 / scale;
  float error = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float difference = w[i] - nearest_int4(w[i], inverse) * scale;
    error += difference * difference * (importance == nullptr ? 1.0f : importance[i]);
  }
  return error;
}

/// A negative scale lets the largest value, if it is positive, use the eighth step that only negative numbers have.
float best_int4_scale(const float* w, const float* importance, std::int64_t count, DType type) {
  constexpr std::array kShares{1.0f, 0.95f, 0.9f, 0.85f, 0.8f, 0.75f, 0.7f, 0.65f, 0.6f};
  const float largest = largest_of(w, count);
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
  return best == 0 ? 1 : best;  // numbers too small for the scale's type become zero
}

}  // namespace

QuantizedWeight quantize_int8(tensor::ConstMatrix w_NK, DType scale_type) {
  const std::int64_t K = w_NK.columns;
  QuantizedWeight result{{DType::i8, {w_NK.rows, K}}, {scale_type, {w_NK.rows, 1}}, {}};
  parallel_for(w_NK.rows, 16, [&](std::int64_t row) {
    const float* w = w_NK.row<float>(row);
    const float exact = largest_of(w, K) / 127, rounded = round_to(scale_type, exact);
    const float scale = rounded == 0 ? 1 : rounded;
    std::int8_t* q = result.values.as<std::int8_t>().data() + row * K;
    for (std::int64_t k = 0; k < K; ++k) {
      q[k] = static_cast<std::int8_t>(std::clamp(std::nearbyint(w[k] / scale), -127.0f, 127.0f));
    }
    store_scale(result.scales, row, scale);
  });
  result.matrix = tensor::StoredMatrix::int8(result.values.view(), result.scales.view());
  return result;
}

QuantizedWeight quantize_int4(tensor::ConstMatrix w_NK, std::int64_t group, std::span<const float> importance_K,
                              DType scale_type) {
  const std::int64_t K = w_NK.columns;
  require(group > 0 && group % 8 == 0 && K % group == 0,
          "[quantize] groups of {} columns, expected a multiple of 8 that divides {}", group, K);
  require(importance_K.empty() || static_cast<std::int64_t>(importance_K.size()) == K,
          "[quantize] importance of {} columns, expected {}", importance_K.size(), K);
  const std::int64_t groups = K / group;
  QuantizedWeight result{{DType::i32, {w_NK.rows, K / 8}}, {scale_type, {w_NK.rows, groups}}, {}};
  parallel_for(w_NK.rows, 4, [&](std::int64_t row) {
    const float* w = w_NK.row<float>(row);
    std::int32_t* words = result.values.as<std::int32_t>().data() + row * (K / 8);
    for (std::int64_t g = 0; g < groups; ++g) {
      const float* importance = importance_K.empty() ? nullptr : importance_K.data() + g * group;
      const float scale = best_int4_scale(w + g * group, importance, group, scale_type), inverse = 1 / scale;
      for (std::int64_t k = g * group; k < (g + 1) * group; k += 8) {
        std::uint32_t word = 0;
        for (std::int64_t i = 0; i < 8; ++i) {
          const auto number = static_cast<std::uint32_t>(nearest_int4(w[k + i], inverse) + 8);
          word |= number << (4 * i);
        }
        words[k / 8] = static_cast<std::int32_t>(word);
      }
      store_scale(result.scales, row * groups + g, scale);
    }
  });
  result.matrix = tensor::StoredMatrix::int4(result.values.view(), result.scales.view(), K);
  return result;
}

}  // namespace e5v::quantize

#include "quantize/weights.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"
#include "quantize/rounding.h"

namespace e5v::quantize {
namespace {

using tensor::DType;

float largest_of(const float* w, std::int64_t count) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(w[i]));
  return largest;
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
    store(result.scales, row, scale);
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
    std::vector<float> q(static_cast<std::size_t>(K));
    for (std::int64_t g = 0; g < groups; ++g) {
      const float* importance = importance_K.empty() ? nullptr : importance_K.data() + g * group;
      const float scale = best_int4_scale(w + g * group, importance, group, scale_type), inverse = 1 / scale;
      for (std::int64_t k = g * group; k < (g + 1) * group; ++k) {
        q[static_cast<std::size_t>(k)] = nearest_int4(w[k], inverse);
      }
      store(result.scales, row * groups + g, scale);
    }
    pack_int4(q.data(), K, result.values.as<std::int32_t>().data() + row * (K / 8));
  });
  result.matrix = tensor::StoredMatrix::int4(result.values.view(), result.scales.view(), K);
  return result;
}

}  // namespace e5v::quantize

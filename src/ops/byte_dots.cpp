#include "ops/byte_dots.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "ops/check.h"
#include "ops/cpu/byte_dot.h"
#include "ops/quantize.h"

namespace e5v::ops {

RoundedVector round_vector(std::span<const float> x_K) { return round_vector(x_K, int8_levels(std::ssize(x_K))); }

RoundedVector round_vector(std::span<const float> x_K, int levels) {
  RoundedVector rounded{std::vector<std::int16_t>(x_K.size())};
  double largest = 0, lost = 0;
  for (const float value : x_K) largest = std::max(largest, std::abs(double{value}));
  rounded.scale = static_cast<float>(largest / levels);
  if (rounded.scale == 0) return rounded;
  for (std::size_t k = 0; k < x_K.size(); ++k) {
    const double whole = std::nearbyint(double{x_K[k]} / double{rounded.scale});
    rounded.values[k] = static_cast<std::int16_t>(std::clamp<double>(whole, -levels, levels));
    const double difference = double{x_K[k]} - double{rounded.scale} * rounded.values[k];
    lost += difference * difference;
  }
  rounded.lost = static_cast<float>(std::sqrt(lost)) * (1 + 0x1p-10f);
  return rounded;
}

void byte_dots(const RoundedVector& x, tensor::ConstMatrix rows_NK, std::span<const float> scales_N,
               std::span<float> dots_N) {
  const std::size_t columns = x.values.size();
  check_type("byte_dots", "rows", rows_NK.dtype, tensor::DType::i8);
  check_shape("byte_dots", "rows", rows_NK, rows_NK.rows, std::ssize(x.values));
  check_length("byte_dots", "scales", scales_N.size(), rows_NK.rows);
  check_length("byte_dots", "dots", dots_N.size(), rows_NK.rows);
  parallel_for(rows_NK.rows, 256, [&](std::int64_t n) {
    const auto i = static_cast<std::size_t>(n);
    const std::int32_t sum = cpu::byte_dot(x.values.data(), rows_NK.row<std::int8_t>(n), columns);
    dots_N[i] = x.scale * scales_N[i] * static_cast<float>(sum);
  });
}

}  // namespace e5v::ops

#include "ops/round_inputs.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "ops/check.h"
#include "ops/rows.h"

namespace e5v::ops {
namespace {

using tensor::DType;
using tensor::InputRounding;

/// The range of the rounded values.
struct Levels {
  float lowest, highest;

  explicit Levels(const InputRounding& rounding) {
    const auto half = static_cast<float>(1 << (rounding.bits - 1));
    lowest = rounding.floating ? -tensor::Float8::kLargest : -half;
    highest = rounding.floating ? tensor::Float8::kLargest : half - 1;
  }
};

struct Step {
  float scale, zero;
};

/// The step for the range of some numbers; scale 0 when all are zero or NaN.
template <class T>
Step fitting(const T* x, std::int64_t count, const InputRounding& rounding, const Levels& levels) {
  float lowest = 0, highest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(x[i]);
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  const float range = levels.highest - levels.lowest;
  if (rounding.symmetric) return {std::max(-lowest, highest) / (range / 2), 0};
  const float scale = (highest - lowest) / range;
  if (scale == 0) return {0, 0};
  return {scale, std::nearbyint(std::clamp(levels.lowest - lowest / scale, levels.lowest, levels.highest))};
}

template <class T>
void round_to(const T* x, std::int64_t count, const InputRounding& rounding, const Levels& levels, Step step, T* y) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float level = std::clamp(static_cast<float>(x[i]) / step.scale + step.zero, levels.lowest, levels.highest);
    const float rounded = rounding.floating ? static_cast<float>(tensor::Float8(level)) : std::nearbyint(level);
    y[i] = T((rounded - step.zero) * step.scale);
  }
}

template <class T>
void round_row(const T* x, std::int64_t count, const InputRounding& rounding, T* y) {
  const Levels levels(rounding);
  const std::int64_t group = rounding.scale == InputRounding::Scale::group ? rounding.group : count;
  for (std::int64_t first = 0; first < count; first += group) {
    const Step step = rounding.scale == InputRounding::Scale::given ? Step{rounding.given_scale, rounding.given_zero}
                                                                    : fitting(x + first, group, rounding, levels);
    if (step.scale == 0) {
      std::transform(x + first, x + first + group, y + first, [](T value) { return T(0 * static_cast<float>(value)); });
    } else {
      round_to(x + first, group, rounding, levels, step, y + first);
    }
  }
}

template <class T>
void round_rows(tensor::ConstMatrix x, const InputRounding& rounding, tensor::Matrix y) {
  parallel_for(x.rows, 4, [&](std::int64_t row) { round_row(x.row<T>(row), x.columns, rounding, y.row<T>(row)); });
}

}  // namespace

void round_inputs(tensor::ConstMatrix x_MK, const InputRounding& rounding, tensor::Matrix y_MK) {
  check_activation_type("round_inputs", "x", x_MK.dtype);
  check_type("round_inputs", "y", y_MK.dtype, x_MK.dtype);
  check_shape("round_inputs", "y", y_MK, x_MK.rows, x_MK.columns);
  require(y_MK.place == tensor::Place::host && rounding.bits >= 2 && rounding.bits <= 8,
          "[round_inputs] expected rows on the host and 2 to 8 bits, found {} bits", rounding.bits);
  require(rounding.scale != InputRounding::Scale::group || (rounding.group > 0 && x_MK.columns % rounding.group == 0),
          "[round_inputs] groups of {} columns, expected a divisor of {}", rounding.group, x_MK.columns);
  if (rounding.scale == InputRounding::Scale::none) return copy(x_MK, y_MK);
  x_MK.dtype == DType::bf16 ? round_rows<tensor::BFloat16>(x_MK, rounding, y_MK)
                            : round_rows<float>(x_MK, rounding, y_MK);
}

}  // namespace e5v::ops

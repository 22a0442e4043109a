#pragma once
#include <cstdint>
#include <string_view>

namespace e5v::train {

enum class ScheduleShape { constant, linear, cosine };

/// "constant", "linear" or "cosine".
std::string_view name_of(ScheduleShape shape);
/// The shape of that name. Throws InvalidInput for another name.
ScheduleShape schedule_shape(std::string_view name);

/// The learning rate over a run: a straight rise from 0 over the warmup, then the shape's way from the peak to 0 at
/// the last step, or no change if constant.
/// Source: transformers' get_linear_schedule_with_warmup, get_cosine_schedule_with_warmup (half a cosine) and
/// get_constant_schedule_with_warmup.
struct Schedule {
  ScheduleShape shape = ScheduleShape::linear;
  double peak = 4e-4;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 0;  ///< the warmup's included

  /// The rate that step `step`, counted from 0, is made with: 0 for step 0 of a warmup, the peak for the step behind
  /// it. From total_steps on it is 0 unless constant. Throws InvalidInput when a number of steps is negative.
  double at(std::int64_t step) const;
};

}  // namespace e5v::train

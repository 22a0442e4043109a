#pragma once
#include <cstdint>
#include <string_view>

namespace e5v::train {

enum class ScheduleShape { constant, linear, cosine };

/// The name of a shape: "constant", "linear" or "cosine".
std::string_view name_of(ScheduleShape shape);
/// The shape with a name. Throws InvalidInput for another name.
ScheduleShape schedule_shape(std::string_view name);

/// The learning rate over a run. It rises linearly from 0 during the warmup. From the peak it falls to 0 at the last
/// step in the way of its shape, or stays constant. Source: transformers' get_linear_schedule_with_warmup,
/// get_cosine_schedule_with_warmup (half a cosine) and get_constant_schedule_with_warmup.
struct Schedule {
  ScheduleShape shape = ScheduleShape::linear;
  double peak = 4e-4;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 0;  ///< includes the warmup

  /// The rate of step `step`, counted from 0: 0 at step 0 of a warmup, the peak at the first step after the warmup.
  /// From total_steps on it is 0 unless constant. Throws InvalidInput when a number of steps is negative.
  double at(std::int64_t step) const;
};

}  // namespace e5v::train

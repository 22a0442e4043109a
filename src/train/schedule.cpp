#include "train/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace e5v::train {
namespace {

constexpr std::array kShapes{ScheduleShape::constant, ScheduleShape::linear, ScheduleShape::cosine};

double share(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, whole));
}

}  // namespace

std::string_view name_of(ScheduleShape shape) {
  switch (shape) {
    case ScheduleShape::constant: return "constant";
    case ScheduleShape::linear: return "linear";
    case ScheduleShape::cosine: break;
  }
  return "cosine";
}

ScheduleShape schedule_shape(std::string_view name) {
  for (const ScheduleShape shape : kShapes) {
    if (name_of(shape) == name) return shape;
  }
  fail<InvalidInput>("[schedule] expected constant, linear or cosine, found {}", in_quotes(name));
}

double Schedule::at(std::int64_t step) const {
  require(step >= 0 && warmup_steps >= 0 && total_steps >= 0,
          "[schedule] expected no negative number of steps, found step {}, {} of warmup, {} in all", step, warmup_steps,
          total_steps);
  if (step < warmup_steps) return peak * share(step, warmup_steps);
  if (shape == ScheduleShape::constant) return peak;
  if (step >= total_steps) return 0;
  const std::int64_t decay = total_steps - warmup_steps;
  if (shape == ScheduleShape::linear) return peak * share(total_steps - step, decay);
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * share(step - warmup_steps, decay)));
}

}  // namespace e5v::train

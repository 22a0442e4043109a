#pragma once
#include <cmath>
#include <span>

// What the layer's proven bounds of rounding errors are made of.

namespace e5v::vectors {

/// What f32 rounds a number by at most, as a share of it.
inline constexpr float kUnit = 0x1p-24f;
/// A factor for the rounding of the bounds themselves.
inline constexpr float kMargin = 1 + 0x1p-10f;

/// The length of a vector, summed in double.
inline double length_of(std::span<const float> x) {
  double sum = 0;
  for (const float value : x) sum += double{value} * value;
  return std::sqrt(sum);
}

}  // namespace e5v::vectors

#pragma once
#include <cstdint>

#include "ops/dropout.h"

namespace e5v::nn {

/// Selects the inputs of adapters that are dropped in a training step. A random number depends on what it is used for,
/// not on the time of drawing. So a pass can be repeated, and neither threads nor the division into batches matter.
struct Dropout {
  float probability = 0;
  std::uint32_t seed = 0;
  std::uint32_t step = 0;

  ops::DropoutKey key(std::uint32_t place) const { return {seed, step, place}; }
};

}  // namespace e5v::nn

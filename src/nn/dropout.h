#pragma once
#include <cstdint>

#include "ops/dropout.h"

namespace e5v::nn {

/// Which inputs of adapters are dropped in a training step. Every random number is named by what it is for, not by when
/// it is drawn: so a pass can be repeated, and neither threads nor the cut into batches matter.
struct Dropout {
  float probability = 0;
  std::uint32_t seed = 0;
  std::uint32_t step = 0;

  ops::DropoutKey key(std::uint32_t place) const { return {seed, step, place}; }
};

}  // namespace e5v::nn

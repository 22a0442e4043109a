#pragma once
#include <vector>

#include "model/config.h"

namespace e5v::model {

/// The angles of the rotary embedding: the radians per position for each pair of a head's elements, and the factor of
/// cosines and sines.
struct RotaryFrequencies {
  std::vector<float> inverse;
  float scale = 1;
};

/// The frequencies of a config, with the float32 rounding of the reference. Source: transformers, modeling_rope_utils.
RotaryFrequencies rotary_frequencies(const LlamaConfig& config);

}  // namespace e5v::model

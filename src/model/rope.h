#pragma once
#include <vector>

#include "model/config.h"

namespace e5v::model {

/// The rotary embedding's angles: radians per position of each pair of a head's elements, and what cosines and sines
/// are multiplied by.
struct RotaryFrequencies {
  std::vector<float> inverse;
  float scale = 1;
};

/// Those of a config, with the roundings of the reference's float32 arithmetic. Source: transformers,
/// modeling_rope_utils.
RotaryFrequencies rotary_frequencies(const LlamaConfig& config);

}  // namespace e5v::model

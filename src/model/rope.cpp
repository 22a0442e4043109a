// Legend: E head width, i the pair of a head's elements i and i + E/2. At thousands of positions, the last bit of a
// frequency matters more than all later rounding, so everything is float32 where the reference is.
#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace e5v::model {
namespace {

/// The frequencies of RoPE, theta^(-2i/E).
std::vector<float> plain_frequencies(const LlamaConfig& config) {
  std::vector<float> result;
  for (std::int64_t i = 0; i < config.head_width; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(config.head_width);
    result.push_back(1.0f / std::pow(static_cast<float>(config.rope_theta), exponent));
  }
  return result;
}

/// Linear scaling: all frequencies are divided by the factor, which moves positions closer together.
RotaryFrequencies stretched(std::vector<float> inverse, const LinearRopeScaling& scaling, const LlamaConfig&) {
  for (float& frequency : inverse) frequency /= static_cast<float>(scaling.factor);
  return {std::move(inverse)};
}

/// Llama 3.1: long wavelengths are scaled by the factor, short ones stay, and those between change in proportion.
RotaryFrequencies stretched(std::vector<float> inverse, const Llama3RopeScaling& scaling, const LlamaConfig&) {
  for (float& frequency : inverse) {
    const double turns = static_cast<double>(scaling.original_max_positions) * frequency / (2 * std::numbers::pi);
    if (turns > scaling.high_frequency_factor) continue;
    const double share = std::max(
        0.0, (turns - scaling.low_frequency_factor) / (scaling.high_frequency_factor - scaling.low_frequency_factor));
    frequency = static_cast<float>((1 - share) * frequency / scaling.factor + share * frequency);
  }
  return {std::move(inverse)};
}

/// The pair that rotates `turns` times within the original positions, as a real number.
double pair_of_turns(double turns, const YarnRopeScaling& scaling, const LlamaConfig& config) {
  const double positions = static_cast<double>(scaling.original_max_positions) / (turns * 2 * std::numbers::pi);
  return static_cast<double>(config.head_width) * std::log(positions) / (2 * std::log(config.rope_theta));
}

/// YaRN: pairs before `low` stay, those after `high` are scaled by the factor, and those between change in proportion.
RotaryFrequencies stretched(std::vector<float> inverse, const YarnRopeScaling& scaling, const LlamaConfig& config) {
  double low = pair_of_turns(scaling.beta_fast, scaling, config);
  double high = pair_of_turns(scaling.beta_slow, scaling, config);
  if (scaling.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(config.head_width - 1));
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < inverse.size(); ++i) {
    const float ramp = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1.0f - std::clamp(ramp, 0.0f, 1.0f);
    const float shortened = 1.0f / (static_cast<float>(scaling.factor) * (1.0f / inverse[i]));
    inverse[i] = shortened * (1.0f - kept) + inverse[i] * kept;
  }
  return {std::move(inverse), static_cast<float>(scaling.attention_factor)};
}

}  // namespace

RotaryFrequencies rotary_frequencies(const LlamaConfig& config) {
  std::vector<float> plain = plain_frequencies(config);
  if (!config.rope_scaling) return {std::move(plain)};
  return std::visit([&](const auto& scaling) { return stretched(std::move(plain), scaling, config); },
                    *config.rope_scaling);
}

}  // namespace e5v::model

#include <cmath>
#include <string>

#include "model/config_parts.h"

namespace e5v::model {
namespace {

constexpr Range<double> kTheta{1, 1e12}, kFactor{1e-3, 1e6};

/// The object with the parameters: "rope_scaling" of older files if it is not empty, otherwise "rope_parameters".
std::optional<Fields> rope_object(const Fields& fields) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const Json* value = fields.find(key);
    const bool empty = value == nullptr || value->is_null() || *value == Json::object() || *value == false;
    if (!empty) return fields.child(key);
  }
  return std::nullopt;
}

/// A key with the value null is not absent: the reference fails on it.
double real_if_present(const Fields& fields, const char* key, double fallback, Range<double> range) {
  return fields.find(key) == nullptr ? fallback : fields.real(key, std::nullopt, range);
}

/// Refuses different parameters for different layers, which Llama and Mistral do not have.
void refuse_nested(const Fields& rope) {
  for (const char* key : {"full_attention", "sliding_attention", "chunked_attention", "linear_attention"})
    rope.check(!rope.has(key), key, "nothing (rotary parameters of layer types are not supported)");
}

/// The original length: next to the object, or in it, or otherwise the present length.
std::int64_t original_positions(const Fields& fields, const Fields& rope, std::int64_t max_positions) {
  constexpr const char* kKey = "original_max_position_embeddings";
  const Fields& place = fields.find(kKey) != nullptr ? fields : rope;
  if (place.find(kKey) == nullptr) return max_positions;
  return place.integer(kKey, std::nullopt, {1, Limits::positions});
}

Llama3RopeScaling parse_llama3(const Fields& rope, std::int64_t original) {
  Llama3RopeScaling llama3{};
  llama3.factor = rope.real("factor", std::nullopt, {1, 1e6});
  llama3.low_frequency_factor = rope.real("low_freq_factor", std::nullopt, kFactor);
  llama3.high_frequency_factor = rope.real("high_freq_factor", std::nullopt, kFactor);
  llama3.original_max_positions = original;
  rope.check(llama3.high_frequency_factor > llama3.low_frequency_factor, "high_freq_factor",
             fmt::format("more than low_freq_factor {}", llama3.low_frequency_factor));
  return llama3;
}

/// For several keys of YaRN, zero means the same as an absent key.
double nonzero(const Fields& rope, const char* key, double fallback) {
  const double value = rope.real(key, 0.0, {0, 1e6});
  return value == 0 ? fallback : value;
}

YarnRopeScaling parse_yarn(const Fields& rope, std::int64_t original, std::int64_t max_positions) {
  YarnRopeScaling yarn{};
  yarn.original_max_positions = original;
  const bool inferred = rope.find("factor") != nullptr && !rope.has("factor");  // null
  const double ratio = static_cast<double>(max_positions) / static_cast<double>(original);
  yarn.factor = inferred ? ratio : rope.real("factor", std::nullopt, kFactor);
  yarn.beta_fast = nonzero(rope, "beta_fast", 32);
  yarn.beta_slow = nonzero(rope, "beta_slow", 1);
  yarn.truncate = rope.find("truncate") == nullptr || rope.flag("truncate", false);
  const double mscale = nonzero(rope, "mscale", 0), mscale_all = nonzero(rope, "mscale_all_dim", 0);
  const auto magnitude = [&](double scale) { return yarn.factor <= 1 ? 1 : 0.1 * scale * std::log(yarn.factor) + 1; };
  const bool both = mscale != 0 && mscale_all != 0;
  yarn.attention_factor =
      rope.real("attention_factor", both ? magnitude(mscale) / magnitude(mscale_all) : magnitude(1), {0, 1e6});
  return yarn;
}

}  // namespace

void parse_rope(const Fields& fields, LlamaConfig& config) {
  const std::optional<Fields> rope = rope_object(fields);
  const bool inside = rope && rope->find("rope_theta") != nullptr;
  config.rope_theta = real_if_present(inside ? *rope : fields, "rope_theta", 10000.0, kTheta);
  if (!rope) return;
  refuse_nested(*rope);
  const char* key = rope->find("rope_type") != nullptr ? "rope_type" : "type";
  const std::string type = rope->find(key) == nullptr ? "default" : rope->text(key, std::nullopt);
  if (type == "default") return;
  const bool known = type == "linear" || type == "dynamic" || type == "llama3" || type == "yarn";
  rope->check(known, key, "default, linear, dynamic, llama3 or yarn (others are not supported)");
  const Fields& partial = rope->find("partial_rotary_factor") != nullptr ? *rope : fields;
  partial.check(partial.real("partial_rotary_factor", 1.0, {0, 1}) == 1, "partial_rotary_factor",
                "1 (rotating a part of the head is not supported)");
  const std::int64_t original = original_positions(fields, *rope, config.max_positions);
  if (type == "linear") config.rope_scaling = LinearRopeScaling{rope->real("factor", std::nullopt, kFactor)};
  if (type == "llama3") config.rope_scaling = parse_llama3(*rope, original);
  if (type == "yarn") config.rope_scaling = parse_yarn(*rope, original, config.max_positions);
  // "dynamic" changes only sequences longer than max_position_embeddings, and none is here.
  if (type == "dynamic") rope->real("factor", std::nullopt, kFactor);
}

}  // namespace e5v::model

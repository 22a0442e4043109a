#include "model/config_clip.h"

#include "base/file.h"
#include "model/config_parts.h"

namespace e5v::model {
namespace {

ClipTextConfig parse_clip_text(const Fields& fields) {
  constexpr std::int64_t kDefaultEnd = 49407, kLegacyEnd = 2;
  const std::string type = fields.text("model_type", "clip_text_model");
  fields.check(type == "clip_text_model", "model_type", "clip_text_model");
  refuse_other_decoders(fields);
  ClipTextConfig config;
  config.vocabulary = fields.integer("vocab_size", 49408, {1, Limits::vocabulary});
  config.width = fields.integer("hidden_size", 512, {1, Limits::width});
  config.layers = fields.integer("num_hidden_layers", 12, {1, Limits::layers});
  config.heads = fields.integer("num_attention_heads", 8, {1, Limits::heads});
  config.mlp_width = fields.integer("intermediate_size", 2048, {1, Limits::mlp_width});
  config.max_positions = fields.integer("max_position_embeddings", 77, {1, Limits::positions});
  config.norm_eps = static_cast<float>(fields.real("layer_norm_eps", 1e-5, {1e-20, 1}));
  config.activation = parse_activation(fields, "hidden_act", "quick_gelu");
  fields.check(config.width % config.heads == 0, "num_attention_heads",
               fmt::format("a divisor of hidden_size {}", config.width), std::to_string(config.heads));
  const std::int64_t end = fields.integer("eos_token_id", kDefaultEnd, {0, Limits::vocabulary});
  fields.check(end == kLegacyEnd || end < config.vocabulary, "eos_token_id",
               fmt::format("a token of the vocabulary of {}", config.vocabulary), std::to_string(end));
  if (end != kLegacyEnd) config.end_token = static_cast<std::int32_t>(end);
  return config;
}

/// The object of a tower: "text_config", or "text_config_dict", which replaces it if present.
Fields tower_fields(const Fields& fields, const Json& absent, const char* key, const char* older_key) {
  for (const char* candidate : {older_key, key})
    if (const std::optional<Fields> found = fields.child(candidate)) return *found;
  return {absent, fields.origin(), std::string(key) + "."};
}

}  // namespace

ClipModelConfig parse_clip_config(const Json& json, std::string_view origin) {
  const Fields fields(json, std::string(origin));
  fields.check(!fields.has("model_type") || fields.text("model_type", std::nullopt) == "clip", "model_type", "clip");
  fields.check(!fields.has("quantization_config"), "quantization_config",
               "nothing (quantised CLIPs are not supported)");
  refuse_layers_that_differ(fields);
  const Json absent = Json::object();
  ClipModelConfig config;
  config.text = parse_clip_text(tower_fields(fields, absent, "text_config", "text_config_dict"));
  config.vision = parse_vision(tower_fields(fields, absent, "vision_config", "vision_config_dict"));
  config.projection = fields.integer("projection_dim", 512, {1, Limits::width});
  return config;
}

ClipModelConfig read_clip_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  return parse_clip_config(read_config_json(folder), path.string());
}

}  // namespace e5v::model

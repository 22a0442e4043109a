#include "model/config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/file.h"
#include "model/config_parts.h"
#include "model/quantization.h"

namespace e5v::model {
namespace {

constexpr std::uint64_t kMaxFileBytes = 16 << 20;

/// LlavaNextConfig's own defaults. They hold when an object is absent; absent keys of a present object have the
/// defaults of its class.
constexpr ClipConfig kLlavaVision{.width = 1024,
                                  .layers = 24,
                                  .heads = 16,
                                  .mlp_width = 4096,
                                  .image_size = 336,
                                  .patch_size = 14,
                                  .norm_eps = 1e-5f,
                                  .activation = Activation::quick_gelu};
const std::vector<image::Size> kLlavaGrid{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}};

/// Refuses features of other models with the same keys, which must not be ignored.
void refuse_unsupported(const Fields& fields) {
  const std::string activation = fields.text("hidden_act", "silu");
  fields.check(activation == "silu" || activation == "swish", "hidden_act", "silu");
  fields.check(!fields.flag("attention_bias", false), "attention_bias", "false (biases are not supported)");
  fields.check(!fields.flag("mlp_bias", false), "mlp_bias", "false (biases are not supported)");
  fields.check(fields.flag("tie_last_hidden_states", true), "tie_last_hidden_states",
               "true (vectors are states after the last norm)");
  refuse_other_decoders(fields);
}

/// Null means one per query head in both classes. An absent key means that only in Llama's.
std::int64_t parse_kv_heads(const Fields& fields, Backbone backbone, std::int64_t heads) {
  const bool absent = fields.find("num_key_value_heads") == nullptr;
  const std::int64_t fallback = absent && backbone == Backbone::mistral ? 8 : heads;
  const std::int64_t kv_heads = fields.integer("num_key_value_heads", fallback, {1, Limits::heads});
  fields.check(heads % kv_heads == 0, "num_key_value_heads", fmt::format("a divisor of num_attention_heads {}", heads),
               std::to_string(kv_heads));
  return kv_heads;
}

std::int64_t parse_head_width(const Fields& fields, std::int64_t width, std::int64_t heads) {
  const bool given = fields.has("head_dim");
  fields.check(given || width % heads == 0, "num_attention_heads", fmt::format("a divisor of hidden_size {}", width),
               std::to_string(heads));
  const std::int64_t head_width = fields.integer("head_dim", width / heads, {1, Limits::width});
  fields.check(head_width % 2 == 0, "head_dim", "an even number", std::to_string(head_width));
  return head_width;
}

ModelConfig parse_llava_next(const Fields& fields) {
  const Json empty = Json::object();
  const Fields text = fields.child("text_config").value_or(Fields(empty, fields.origin(), "text_config."));
  const std::string type = text.text("model_type", "llama");
  text.check(type == "llama" || type == "mistral", "model_type", "llama or mistral");
  ModelConfig config;
  config.text = parse_text(text, type == "mistral" ? Backbone::mistral : Backbone::llama);
  config.text.tied_head |= !text.has("tie_word_embeddings") && fields.flag("tie_word_embeddings", false);
  refuse_other_decoders(fields);  // keys at the top apply to the language model, too
  const std::optional<Fields> vision = fields.child("vision_config");
  config.vision = vision ? parse_vision(*vision) : kLlavaVision;
  config.feature_layer = parse_feature_layer(fields, "vision_feature_layer", -2, *config.vision);
  const std::string strategy = fields.text("vision_feature_select_strategy", "default");
  fields.check(strategy == "default", "vision_feature_select_strategy",
               "default (the class token has no place in a grid of tiles)");
  config.projector_activation = parse_activation(fields, "projector_hidden_act", "gelu");
  config.projector_bias = fields.flag("multimodal_projector_bias", true);
  config.grid_pinpoints = parse_grid(fields, kLlavaGrid, *config.vision);
  const char* token_key = fields.has("image_token_id") ? "image_token_id" : "image_token_index";
  config.image_token = fields.integer(token_key, 32000, {0, Limits::vocabulary});
  return config;
}

bool is_known_type(std::string_view type) { return type == "llava_next" || type == "llama" || type == "mistral"; }

/// One [height, width] of a list of grids. The caller checks that they are multiples of the tile.
image::Size parse_pinpoint(const Fields& fields, const char* key, const Json& item, const ClipConfig& vision) {
  constexpr std::int64_t kMaxTilesPerSide = 64;
  const std::int64_t limit = kMaxTilesPerSide * vision.image_size;
  const bool pair = item.is_array() && item.size() == 2 && item[0].is_number() && item[1].is_number();
  fields.check(pair, key, "pairs [height, width] only");
  std::array<int, 2> sides{};
  for (std::size_t i = 0; i < 2; ++i) {
    const Json side{{key, item[i]}};  // so that the message shows the number that is wrong
    sides[i] = static_cast<int>(Fields(side, fields.origin()).integer(key, std::nullopt, {1, limit}));
  }
  return {sides[0], sides[1]};
}

}  // namespace

Activation parse_activation(const Fields& fields, const char* key, const std::string& fallback) {
  constexpr std::array<std::pair<std::string_view, Activation>, 4> kNames{{
      {"quick_gelu", Activation::quick_gelu},
      {"gelu", Activation::gelu},
      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"gelu_new", Activation::gelu_tanh},
  }};
  const std::string name = fields.text(key, fallback);
  const auto found = std::find_if(kNames.begin(), kNames.end(), [&](const auto& known) { return known.first == name; });
  fields.check(found != kNames.end(), key, "one of quick_gelu, gelu, gelu_pytorch_tanh, gelu_new");
  return found->second;
}

ClipConfig parse_vision(const Fields& fields) {
  const std::string type = fields.text("model_type", "clip_vision_model");
  fields.check(type == "clip_vision_model", "model_type", "clip_vision_model");
  fields.integer("num_channels", 3, {3, 3});
  refuse_layers_that_differ(fields);
  ClipConfig config;
  config.width = fields.integer("hidden_size", 768, {1, Limits::width});
  config.layers = fields.integer("num_hidden_layers", 12, {1, Limits::layers});
  config.heads = fields.integer("num_attention_heads", 12, {1, Limits::heads});
  config.mlp_width = fields.integer("intermediate_size", 3072, {1, Limits::mlp_width});
  config.image_size = fields.integer("image_size", 224, {1, Limits::image_size});
  config.patch_size = fields.integer("patch_size", 32, {1, Limits::image_size});
  config.norm_eps = static_cast<float>(fields.real("layer_norm_eps", 1e-5, {1e-20, 1}));
  config.activation = parse_activation(fields, "hidden_act", "quick_gelu");
  fields.check(config.width % config.heads == 0, "num_attention_heads",
               fmt::format("a divisor of hidden_size {}", config.width), std::to_string(config.heads));
  fields.check(config.image_size % config.patch_size == 0, "image_size",
               fmt::format("a multiple of patch_size {}", config.patch_size), std::to_string(config.image_size));
  fields.check(config.patches_per_side() <= Limits::patches_per_side, "patch_size",
               fmt::format("at most {} patches along image_size {}", Limits::patches_per_side, config.image_size),
               std::to_string(config.patch_size));
  return config;
}

LlamaConfig parse_text(const Fields& fields, Backbone backbone) {
  const bool mistral = backbone == Backbone::mistral;
  refuse_unsupported(fields);
  LlamaConfig config;
  config.backbone = backbone;
  config.vocabulary = fields.integer("vocab_size", 32000, {1, Limits::vocabulary});
  config.width = fields.integer("hidden_size", 4096, {1, Limits::width});
  config.layers = fields.integer("num_hidden_layers", 32, {1, Limits::layers});
  config.heads = fields.integer("num_attention_heads", 32, {1, Limits::heads});
  config.kv_heads = parse_kv_heads(fields, backbone, config.heads);
  config.head_width = parse_head_width(fields, config.width, config.heads);
  config.mlp_width = fields.integer("intermediate_size", mistral ? 14336 : 11008, {1, Limits::mlp_width});
  config.max_positions = fields.integer("max_position_embeddings", mistral ? 131072 : 2048, {1, Limits::positions});
  config.rms_eps = static_cast<float>(fields.real("rms_norm_eps", 1e-6, {1e-20, 1}));
  parse_rope(fields, config);
  if (mistral && fields.find("sliding_window") == nullptr) config.sliding_window = 4096;
  if (mistral && fields.has("sliding_window")) {
    config.sliding_window = fields.integer("sliding_window", std::nullopt, {1, Limits::positions});
  }
  config.tied_head = fields.flag("tie_word_embeddings", false);
  return config;
}

std::int64_t parse_feature_layer(const Fields& fields, const char* key, std::optional<std::int64_t> fallback,
                                 const ClipConfig& vision) {
  const Range<std::int64_t> range{-vision.layers - 1, vision.layers};
  const Json* value = fields.find(key);
  if (value == nullptr || !value->is_array()) {
    const std::int64_t layer = fields.integer(key, fallback, range);
    fields.check(layer >= range.lowest && layer <= range.highest, key, "a layer that the vision tower has",
                 std::to_string(layer));
    return layer;
  }
  fields.check(value->size() == 1 && value->front().is_number(), key, "one layer (several are not supported)");
  const Json single{{key, value->front()}};
  return Fields(single, fields.origin()).integer(key, std::nullopt, range);
}

std::vector<image::Size> parse_grid(const Fields& fields, const std::optional<std::vector<image::Size>>& fallback,
                                    const ClipConfig& vision) {
  constexpr const char* kKey = "image_grid_pinpoints";
  constexpr std::size_t kMaxGrids = 1024;
  const std::string expected =
      fmt::format("a list of [height, width], multiples of the tile of {} pixels", vision.image_size);
  std::vector<image::Size> grid;
  if (!fields.has(kKey) && fallback) {
    grid = *fallback;
  } else {
    const Json* list = fields.find(kKey);
    fields.check(list != nullptr && list->is_array() && list->size() <= kMaxGrids, kKey, expected);
    for (const Json& item : *list) grid.push_back(parse_pinpoint(fields, kKey, item, vision));
  }
  // With an empty list, an image becomes one tile and is stretched to it.
  const auto is_multiple = [&](int side) { return side > 0 && side % vision.image_size == 0; };
  for (const image::Size& size : grid) {
    if (is_multiple(size.height) && is_multiple(size.width)) continue;
    fail<ModelError>("[{}] \"{}\": expected {}, found [{}, {}]", fields.origin(), kKey, expected, size.height,
                     size.width);
  }
  return grid;
}

bool describes_llava_next(const Json& json) try {
  const Fields fields(json, "config.json");
  return is_original_llava(fields) || is_known_type(model_type(fields));
} catch (const ModelError&) {
  return false;  // no object, or a "model_type" that is no text
}

ModelConfig parse_config(const Json& json, std::string_view origin) {
  const Fields fields(json, std::string(origin));
  Quantization::from(fields);  // only checked here: the checkpoint uses it
  if (is_original_llava(fields)) return parse_original_llava(fields);
  const std::string type = model_type(fields);
  fields.check(is_known_type(type), "model_type", fmt::format("one of {}", kLlavaNextTypes));
  check_architecture(fields);
  if (type == "llava_next") return parse_llava_next(fields);
  ModelConfig config;
  config.text = parse_text(fields, type == "mistral" ? Backbone::mistral : Backbone::llama);
  return config;
}

Json read_config_json(const std::filesystem::path& folder) try {
  const std::filesystem::path path = folder / "config.json";
  return parse_json(read_file(path, kMaxFileBytes), path.string());
} catch (const InvalidInput& error) {
  throw ModelError(error.what());  // the file is missing or no JSON
}

ModelConfig read_config(const std::filesystem::path& folder) {
  return parse_config(read_config_json(folder), (folder / "config.json").string());
}

}  // namespace e5v::model

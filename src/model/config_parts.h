#pragma once
#include "model/config.h"
#include "model/config_fields.h"

// Common parts of the config.json files of different tools. All functions throw ModelError.
namespace e5v::model {

/// The largest accepted sizes. They exceed those of any model, and products of them do not overflow.
struct Limits {
  static constexpr std::int64_t width = 1 << 16, mlp_width = 1 << 20, layers = 1024, heads = 1024;
  static constexpr std::int64_t vocabulary = 1 << 24, positions = 1 << 27;
  static constexpr std::int64_t image_size = 4096, patches_per_side = 256;
};

/// Reads folder/config.json. Throws also when it is missing or no JSON.
Json read_config_json(const std::filesystem::path& folder);

Activation parse_activation(const Fields& fields, const char* key, const std::string& fallback);

/// Reads the vision tower's sizes from the keys of transformers' CLIPVisionConfig with their defaults.
ClipConfig parse_vision(const Fields& fields);

/// Reads the language model's sizes from the keys of transformers' LlamaConfig or MistralConfig with their defaults.
LlamaConfig parse_text(const Fields& fields, Backbone backbone);

/// "model_type" or, if it is absent, the type by the architecture's name; empty when that is unknown.
std::string model_type(const Fields& fields);

/// Refuses architectures that are no classes of transformers.
void check_architecture(const Fields& fields);

/// Refuses keys of transformers' base class that change what a model computes.
void refuse_layers_that_differ(const Fields& fields);
void refuse_other_decoders(const Fields& fields);

/// Sets rope_theta and rope_scaling in transformers' order of precedence. max_positions must be set before.
void parse_rope(const Fields& fields, LlamaConfig& config);

/// The hidden state that a key selects: an integer, or a list of one, within the tower's layers.
std::int64_t parse_feature_layer(const Fields& fields, const char* key, std::optional<std::int64_t> fallback,
                                 const ClipConfig& vision);

/// Reads "image_grid_pinpoints": a list of [height, width] in pixels, multiples of the tile. Without a fallback the key
/// must be present.
std::vector<image::Size> parse_grid(const Fields& fields, const std::optional<std::vector<image::Size>>& fallback,
                                    const ClipConfig& vision);

/// True for the config.json of the original LLaVA-NeXT code.
bool is_original_llava(const Fields& fields);

/// Reads such a file: the language model's keys are at the top, the vision tower is given by its name on the hub, and
/// the other keys begin with "mm_".
ModelConfig parse_original_llava(const Fields& fields);

}  // namespace e5v::model

#pragma once
#include "model/config.h"
#include "model/config_fields.h"

// The parts that the config.json files of different tools have in common. All throw ModelError.
namespace e5v::model {

/// The language model's sizes, from the keys of transformers' LlamaConfig or MistralConfig with their defaults.
LlamaConfig parse_text(const Fields& fields, Backbone backbone);

/// The hidden state that a key chooses: one integer, or a list of one, that the tower has.
std::int64_t parse_feature_layer(const Fields& fields, const char* key, std::optional<std::int64_t> fallback,
                                 const ClipConfig& vision);

/// "image_grid_pinpoints": a list of [height, width] in pixels, multiples of the tile. Without a fallback it must be
/// there.
std::vector<image::Size> parse_grid(const Fields& fields, const std::optional<std::vector<image::Size>>& fallback,
                                    const ClipConfig& vision);

/// True for the config.json of the original LLaVA-NeXT code.
bool is_original_llava(const Fields& fields);

/// Reads it: the language model's keys at the top, the vision tower by its name on the hub, "mm_..." for the rest.
ModelConfig parse_original_llava(const Fields& fields);

}  // namespace e5v::model

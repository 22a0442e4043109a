#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "model/config.h"

namespace e5v::model {

/// Sizes of CLIP's text tower.
struct ClipTextConfig {
  std::int64_t vocabulary = 0;
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;  ///< divides width
  std::int64_t mlp_width = 0;
  std::int64_t max_positions = 0;  ///< tokens of a text, start and end included
  float norm_eps = 0;
  Activation activation = Activation::quick_gelu;
  /// The token whose hidden state is the text's, the first of that id; none: the first of the highest id, as OpenAI's
  /// configs, whose eos_token_id is a wrong 2, have it.
  std::optional<std::int32_t> end_token;
};

/// A CLIPModel's config.json, checked: two towers, each projected into one space.
struct ClipModelConfig {
  ClipTextConfig text;
  ClipConfig vision;
  std::int64_t projection = 0;  ///< numbers per vector
};

/// Understands the config.json of transformers' CLIPModel, text_config_dict and vision_config_dict of older files
/// included. Absent keys take the defaults of its classes. Throws ModelError as parse_config does.
ClipModelConfig parse_clip_config(const Json& json, std::string_view origin);

/// Reads folder/config.json. Throws ModelError, also when the file is missing or is not JSON.
ClipModelConfig read_clip_config(const std::filesystem::path& folder);

}  // namespace e5v::model

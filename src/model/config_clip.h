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
  std::int64_t max_positions = 0;  ///< maximum tokens of a text, including start and end
  float norm_eps = 0;
  Activation activation = Activation::quick_gelu;
  /// The first token with this id has the text's hidden state. None: the first token with the highest id, because the
  /// eos_token_id of OpenAI's configs is a wrong 2.
  std::optional<std::int32_t> end_token;
};

/// A checked config.json of a CLIPModel: two towers, each with a projection into a common space.
struct ClipModelConfig {
  ClipTextConfig text;
  ClipConfig vision;
  std::int64_t projection = 0;  ///< width of the vectors
};

/// Reads the config.json of transformers' CLIPModel, also with the text_config_dict and vision_config_dict of older
/// files. Absent keys have the defaults of its classes. Throws ModelError like parse_config.
ClipModelConfig parse_clip_config(const Json& json, std::string_view origin);

/// Reads folder/config.json. Throws ModelError, also when the file is missing or is not JSON.
ClipModelConfig read_clip_config(const std::filesystem::path& folder);

}  // namespace e5v::model

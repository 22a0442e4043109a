#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "image/preprocess.h"

namespace e5v::model {

/// The supported language models. They have the same arithmetic but other prompts and tokenizers.
enum class Backbone { llama, mistral };

/// Activation functions of the vision tower and the projector: x * sigmoid(1.702 x), x * Phi(x), and x * Phi(x) with
/// the tanh approximation of Phi.
enum class Activation { quick_gelu, gelu, gelu_tanh };

/// The change of the rotary embedding's frequencies for longer texts. Source: transformers' rope_types "linear",
/// "llama3" and "yarn".
struct LinearRopeScaling {
  double factor;
};
struct Llama3RopeScaling {
  double factor, low_frequency_factor, high_frequency_factor;
  std::int64_t original_max_positions;
};
struct YarnRopeScaling {
  double factor, attention_factor;  ///< the latter multiplies cosines and sines
  double beta_fast, beta_slow;      ///< rotations within the original positions; the change fades between them
  std::int64_t original_max_positions;
  bool truncate;  ///< the pairs with these rotations are rounded to whole ones
};
using RopeScaling = std::variant<LinearRopeScaling, Llama3RopeScaling, YarnRopeScaling>;

/// Sizes of the language model. No projection has a bias; the activation is SiLU.
struct LlamaConfig {
  Backbone backbone = Backbone::llama;
  std::int64_t vocabulary = 0;
  std::int64_t width = 0;  ///< of the residual stream and of the vectors
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;    ///< divides heads
  std::int64_t head_width = 0;  ///< even; heads * head_width may differ from width
  std::int64_t mlp_width = 0;
  std::int64_t max_positions = 0;
  float rms_eps = 0;
  double rope_theta = 0;
  std::optional<RopeScaling> rope_scaling;
  std::optional<std::int64_t> sliding_window;  ///< keys that a query sees, including its own; none: all
  bool tied_head = false;                      ///< the LM head is the embedding table
};

/// Sizes of the CLIP vision tower. Images have three channels.
struct ClipConfig {
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;  ///< divides width
  std::int64_t mlp_width = 0;
  std::int64_t image_size = 0;  ///< pixels of a square tile's side, a multiple of patch_size
  std::int64_t patch_size = 0;
  float norm_eps = 0;
  Activation activation = Activation::quick_gelu;

  /// The number of patches along a side of a tile.
  std::int64_t patches_per_side() const { return image_size / patch_size; }
  /// The rows of a tile in the tower: the patches and the class token.
  std::int64_t positions() const { return patches_per_side() * patches_per_side() + 1; }
};

/// A checked config.json. The members below `vision` have a meaning only when it is set.
struct ModelConfig {
  LlamaConfig text;
  std::optional<ClipConfig> vision;  ///< none: a text-only checkpoint
  std::int64_t feature_layer = -2;   ///< the hidden state with the features; 0 is the tower's input, -1 the last
  Activation projector_activation = Activation::gelu;
  bool projector_bias = true;
  std::vector<image::Size> grid_pinpoints;  ///< in the order of the file, which decides between equal grids
  std::int64_t image_token = -1;            ///< id of <image>; may lie beyond the vocabulary

  /// The number of layers of the tower that the features need.
  std::int64_t vision_layers_used() const {
    return feature_layer >= 0 ? feature_layer : vision.value().layers + 1 + feature_layer;
  }
};

/// Reads the config.json of transformers' LlavaNextForConditionalGeneration (versions 4.39 to 5), of LlamaForCausalLM
/// and MistralForCausalLM (text only), and of the original LLaVA-NeXT code (LlavaLlamaForCausalLM,
/// LlavaMistralForCausalLM). Absent keys have the defaults of transformers' classes. Throws ModelError, which begins
/// with `origin` and names the key, what was expected, and what was found. Architectures and features that are not
/// supported are refused, too.
ModelConfig parse_config(const Json& json, std::string_view origin);

/// Whether a config.json belongs to one of these classes, by "model_type" or, without it, by the name of the
/// architecture. Its other keys may be wrong.
bool describes_llava_next(const Json& json);

/// The types that parse_config() reads, for messages about a "model_type".
inline constexpr std::string_view kLlavaNextTypes =
    "llava_next, llama, mistral (transformers) or llava_llama, llava_mistral (LLaVA-NeXT)";

/// Reads folder/config.json. Throws ModelError, also when the file is missing or is not JSON.
ModelConfig read_config(const std::filesystem::path& folder);

}  // namespace e5v::model

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

/// The language models that are understood. They share their arithmetic; prompts and tokenizers differ.
enum class Backbone { llama, mistral };

/// Activation functions of the vision tower and the projector: x * sigmoid(1.702 x), x * Phi(x), and the latter with
/// the tanh approximation of Phi.
enum class Activation { quick_gelu, gelu, gelu_tanh };

/// How the frequencies of the rotary embedding are stretched for longer texts. Source: transformers' rope_types
/// "linear", "llama3" and "yarn".
struct LinearRopeScaling {
  double factor;
};
struct Llama3RopeScaling {
  double factor, low_frequency_factor, high_frequency_factor;
  std::int64_t original_max_positions;
};
struct YarnRopeScaling {
  double factor, attention_factor;  ///< the latter multiplies cosines and sines
  double beta_fast, beta_slow;      ///< turns within the original positions between which the stretching sets in
  std::int64_t original_max_positions;
  bool truncate;  ///< the pairs of those turns are rounded to whole ones
};
using RopeScaling = std::variant<LinearRopeScaling, Llama3RopeScaling, YarnRopeScaling>;

/// Sizes of the language model. All projections are without bias; the activation is SiLU.
struct LlamaConfig {
  Backbone backbone = Backbone::llama;
  std::int64_t vocabulary = 0;
  std::int64_t width = 0;  ///< of the residual stream, and so of the vectors
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;    ///< divides heads
  std::int64_t head_width = 0;  ///< even; heads * head_width may differ from width
  std::int64_t mlp_width = 0;
  std::int64_t max_positions = 0;
  float rms_eps = 0;
  double rope_theta = 0;
  std::optional<RopeScaling> rope_scaling;
  std::optional<std::int64_t> sliding_window;  ///< keys a query sees, itself included; none: all
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

  /// Patches along one side of a tile.
  std::int64_t patches_per_side() const { return image_size / patch_size; }
  /// Rows of the tower: the patches and the class token.
  std::int64_t positions() const { return patches_per_side() * patches_per_side() + 1; }
};

/// A checkpoint's config.json, checked. The members below `vision` have meaning only when it is set.
struct ModelConfig {
  LlamaConfig text;
  std::optional<ClipConfig> vision;  ///< none: a text-only checkpoint
  std::int64_t feature_layer =
      -2;  ///< hidden state that is used, as the file counts: 0 is the tower's input, -1 the last
  Activation projector_activation = Activation::gelu;
  bool projector_bias = true;
  std::vector<image::Size> grid_pinpoints;  ///< in the file's order, which decides between equal grids
  std::int64_t image_token = -1;            ///< id of <image>; may lie beyond the vocabulary

  /// Layers of the tower that must be computed to have the features.
  std::int64_t vision_layers_used() const {
    return feature_layer >= 0 ? feature_layer : vision.value().layers + 1 + feature_layer;
  }
};

/// Understands the config.json of transformers' LlavaNextForConditionalGeneration (versions 4.39 to 5), of
/// LlamaForCausalLM and MistralForCausalLM (text only), and of the original LLaVA-NeXT code (LlavaLlamaForCausalLM,
/// LlavaMistralForCausalLM). Absent keys take the defaults of transformers' classes. Throws ModelError led by `origin`
/// that names the key, what was expected, and what was found; also for architectures and features that are not
/// supported.
ModelConfig parse_config(const Json& json, std::string_view origin);

/// Whether it is a config.json of one of these classes, by "model_type" or, where that is absent, by the architecture's
/// name. Its other keys may be wrong.
bool describes_llava_next(const Json& json);

/// What parse_config() takes, for messages about a "model_type".
inline constexpr std::string_view kLlavaNextTypes =
    "llava_next, llama, mistral (transformers) or llava_llama, llava_mistral (LLaVA-NeXT)";

/// Reads folder/config.json. Throws ModelError, also when the file is missing or is not JSON.
ModelConfig read_config(const std::filesystem::path& folder);

}  // namespace e5v::model

#include <array>
#include <string>

#include "model/config_parts.h"

namespace e5v::model {
namespace {

/// The towers of LLaVA-NeXT, which are OpenAI's CLIP ViT-L/14. The config names the tower, not its sizes.
struct KnownTower {
  std::string_view name;
  std::int64_t image_size;
};
constexpr std::array<KnownTower, 2> kTowers{{{"clip-vit-large-patch14-336", 336}, {"clip-vit-large-patch14", 224}}};

ClipConfig parse_tower(const Fields& fields) {
  const std::string name = fields.text("mm_vision_tower", std::nullopt);
  for (const KnownTower& tower : kTowers) {
    // The name may also be a path of a local copy.
    if (name != tower.name && !name.ends_with(fmt::format("/{}", tower.name))) continue;
    const ClipConfig config{.width = 1024,
                            .layers = 24,
                            .heads = 16,
                            .mlp_width = 4096,
                            .image_size = tower.image_size,
                            .patch_size = 14,
                            .norm_eps = 1e-5f,
                            .activation = Activation::quick_gelu};
    fields.integer("mm_hidden_size", config.width, {config.width, config.width});
    return config;
  }
  fields.mismatch("mm_vision_tower", "openai/clip-vit-large-patch14-336 or openai/clip-vit-large-patch14");
}

void expect_text(const Fields& fields, const char* key, const std::string& expected) {
  fields.check(fields.text(key, "") == expected, key, expected);
}

Backbone parse_backbone(const Fields& fields) {
  const std::string type = fields.text("model_type", "");
  if (type == "llava_mistral") return Backbone::mistral;
  if (type == "llava_llama") return Backbone::llama;
  const Json* architectures = fields.find("architectures");
  const bool listed = architectures != nullptr && architectures->is_array() && architectures->size() == 1;
  if (listed && architectures->front() == "LlavaMistralForCausalLM") return Backbone::mistral;
  if (listed && architectures->front() == "LlavaLlamaForCausalLM") return Backbone::llama;
  fields.mismatch("model_type", "llava_llama or llava_mistral, or the architectures of those");
}

}  // namespace

bool is_original_llava(const Fields& fields) {
  const Json* type = fields.find("model_type");
  return fields.has("mm_vision_tower") || (type != nullptr && (*type == "llava_llama" || *type == "llava_mistral"));
}

ModelConfig parse_original_llava(const Fields& fields) {
  ModelConfig config;
  config.text = parse_text(fields, parse_backbone(fields));
  config.vision = parse_tower(fields);
  config.feature_layer = parse_feature_layer(fields, "mm_vision_select_layer", std::nullopt, *config.vision);
  const std::string select = fields.text("mm_vision_select_feature", "patch");
  fields.check(select == "patch", "mm_vision_select_feature",
               "patch (the class token has no place in a grid of tiles)");
  expect_text(fields, "mm_projector_type", "mlp2x_gelu");
  fields.check(!fields.has("mm_resampler_type"), "mm_resampler_type", "null");
  expect_text(fields, "image_aspect_ratio", "anyres");
  expect_text(fields, "mm_patch_merge_type", "spatial_unpad");
  fields.check(!fields.flag("mm_use_im_start_end", false), "mm_use_im_start_end", "false");
  // The original reads a pair as width and height, transformers reads it as height and width, and the conversion keeps
  // the list. The lists of the released models are symmetric. Transformers is the reference here.
  config.grid_pinpoints = parse_grid(fields, std::nullopt, *config.vision);
  // The tokenizer has no <image>. The first free id represents it, as in converted checkpoints.
  config.image_token = config.text.vocabulary;
  return config;
}

}  // namespace e5v::model

#include "model/tensor_names.h"

#include <algorithm>

namespace e5v::model {
namespace {

/// Tables that follow from the config. Some versions of the tools store them.
bool is_derived(std::string_view canonical) {
  return canonical.ends_with(".rotary_emb.inv_freq") || canonical.ends_with(".position_ids");
}

}  // namespace

std::string TensorNames::canonical(std::string_view stored) const {
  for (const Renaming& renaming : renamings) {
    if (!stored.starts_with(renaming.stored)) continue;
    return std::string(renaming.canonical) + std::string(stored.substr(renaming.stored.size()));
  }
  return std::string(stored);
}

std::string_view TensorNames::generation_of(std::span<const std::string> stored) const {
  for (const Generation& generation : generations) {
    if (std::ranges::any_of(stored, [&](const std::string& name) { return name.starts_with(generation.prefix); }))
      return generation.writer;
  }
  return other_writer;
}

const TensorNames& llava_next_names() {
  static const TensorNames names{{
                                     {"model.language_model.", "language_model."},
                                     {"model.vision_tower.vision_tower.vision_model.", "vision_tower."},
                                     {"model.vision_tower.vision_model.", "vision_tower."},
                                     {"model.vision_tower.", "vision_tower."},
                                     {"model.multi_modal_projector.", "projector."},
                                     {"model.mm_projector.0.", "projector.linear_1."},
                                     {"model.mm_projector.2.", "projector.linear_2."},
                                     {"model.image_newline", "image_newline"},
                                     {"model.lm_head.", "lm_head."},
                                     {"model.", "language_model."},
                                     {"language_model.model.", "language_model."},
                                     {"language_model.lm_head.", "lm_head."},
                                     {"vision_tower.vision_model.", "vision_tower."},
                                     {"multi_modal_projector.", "projector."},
                                     {"layers.", "language_model.layers."},
                                     {"embed_tokens.", "language_model.embed_tokens."},
                                     {"norm.", "language_model.norm."},
                                 },
                                 [](std::string_view name) {
                                   return name.starts_with("lm_head.") ||
                                          name.starts_with("vision_tower.post_layernorm.") || is_derived(name);
                                 },
                                 {{"model.language_model.", "transformers >= 4.52"},
                                  {"language_model.model.", "transformers <= 4.51"},
                                  {"model.mm_projector.", "original LLaVA-NeXT"},
                                  {"model.vision_tower.", "original LLaVA-NeXT"}}};
  return names;
}

const TensorNames& clip_names() {
  static const TensorNames names{{},
                                 [](std::string_view name) { return name == "logit_scale" || is_derived(name); },
                                 {{"visual_projection.", "transformers' CLIPModel"}}};
  return names;
}

}  // namespace e5v::model

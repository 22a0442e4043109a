#include "families/clip/inspection.h"

#include "embed/loading.h"
#include "families/clip/memory.h"
#include "families/clip/prepare.h"
#include "model/clip_text.h"
#include "model/clip_vit.h"
#include "model/unused_tensors.h"
#include "nn/linear.h"

namespace e5v::families {
namespace {

Json parts_of(const model::ClipModelConfig& config) {
  const model::ClipTextConfig& t = config.text;
  const model::ClipConfig& v = config.vision;
  return {{"text_tower",
           {{"layers", t.layers},
            {"width", t.width},
            {"heads", t.heads},
            {"mlp_width", t.mlp_width},
            {"vocabulary", t.vocabulary}}},
          {"vision_tower",
           {{"layers", v.layers},
            {"width", v.width},
            {"heads", v.heads},
            {"mlp_width", v.mlp_width},
            {"image_size", v.image_size},
            {"patch_size", v.patch_size}}}};
}

}  // namespace

ClipInspection::ClipInspection(const std::filesystem::path& folder, const PrepareOptions& prepare)
    : folder_(folder), prepare_(prepare), config_(model::read_clip_config(folder)) {}

std::string ClipInspection::config() const {
  return fmt::format("CLIP: text tower of {} layers, width {}; vision tower of {} layers, width {}",
                     config_.text.layers, config_.text.width, config_.vision.layers, config_.vision.width);
}

std::string ClipInspection::tensors(const model::Checkpoint& checkpoint) const {
  const auto text = model::ClipTextWeights::from(checkpoint, config_.text);
  const auto vision = model::ClipWeights::from(checkpoint, config_.vision, config_.vision.layers, "vision_model.");
  model::NormWeights::from(checkpoint, "vision_model.post_layernorm", config_.vision.width);
  checkpoint.matrix("text_projection.weight", config_.projection, config_.text.width);
  checkpoint.matrix("visual_projection.weight", config_.projection, config_.vision.width);
  return fmt::format("{} text and {} vision layers, complete{}", text.blocks.size(), vision.blocks.size(),
                     unused_text(model::unused_tensors(checkpoint, config_)));
}

std::string ClipInspection::tokenizer() const {
  return fmt::format("{} tokens, no prompts", read_clip_tokenizer(folder_, config_.text).size());
}

std::string ClipInspection::preprocess() const {
  const image::Preprocess preprocess = read_clip_preprocess(folder_, config_);
  return fmt::format("{} {}, the middle {} of it", preprocess.squeezed ? "both edges" : "shorter edge",
                     preprocess.shortest_edge, preprocess.tile);
}

Description ClipInspection::describe(const model::Checkpoint& checkpoint, const RunPlan& plan) const {
  const model::ClipTextConfig& t = config_.text;
  const model::ClipConfig& v = config_.vision;
  Description info;
  info.used = count_parameters(config_);
  info.unused = model::unused_tensors(checkpoint, config_);
  const tensor::StoredMatrix widest =
      checkpoint.matrix("vision_model.encoder.layers.0.mlp.fc2.weight", v.width, v.mlp_width);
  info.kernel = nn::Linear({widest}, plan.precision).kernel();
  const auto preparer = make_clip_preparer(folder_, config_, prepare_);
  info.chat_style = preparer->style();
  info.context = t.max_positions;
  info.memory = estimate_memory(config_, plan, std::filesystem::file_size(folder_ / "tokenizer.json"));
  info.device_memory = estimate_device_memory(config_, plan);
  info.fingerprint = {embed::weights_hash(checkpoint, config_text(config_)), preparer->preprocessing(),
                      embed::compute_text(plan.precision, plan.run, checkpoint.place()),
                      *preparer->prompt_hash("text")};
  info.architecture = "CLIP";
  info.towers = {
      {"text tower", fmt::format("{} layers, width {}, {} heads, MLP {}", t.layers, t.width, t.heads, t.mlp_width)},
      {"vision tower", fmt::format("{} layers, width {}, {} heads, MLP {}, images of {}, patches of {}", v.layers,
                                   v.width, v.heads, v.mlp_width, v.image_size, v.patch_size)}};
  info.parts = parts_of(config_);
  info.width = config_.projection;
  return info;
}

}  // namespace e5v::families

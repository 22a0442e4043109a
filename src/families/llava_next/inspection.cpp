#include "families/llava_next/inspection.h"

#include "families/llava_next/memory.h"
#include "families/llava_next/prepare.h"
#include "model/clip_vit.h"
#include "model/llama.h"
#include "model/projector.h"
#include "model/unused_tensors.h"
#include "nn/linear.h"

namespace e5v::families {
namespace {

/// The kernel of the largest GEMM of a block, found by preparing its weight.
std::string kernel_of(const model::Checkpoint& checkpoint, const model::LlamaConfig& config, nn::Precision precision) {
  const tensor::StoredMatrix down =
      checkpoint.matrix("language_model.layers.0.mlp.down_proj.weight", config.width, config.mlp_width);
  return nn::Linear({down}, precision).kernel();
}

std::string architecture_text(const model::ModelConfig& config) {
  const char* backbone = config.text.backbone == model::Backbone::mistral ? "Mistral" : "Llama";
  return config.vision ? fmt::format("LLaVA-NeXT over {}", backbone) : fmt::format("{}, text only", backbone);
}

std::string language_text(const model::LlamaConfig& c) {
  return fmt::format("{} layers, width {}, {} heads ({} kv) of {}, MLP {}", c.layers, c.width, c.heads, c.kv_heads,
                     c.head_width, c.mlp_width);
}

std::string vision_text(const model::ModelConfig& config) {
  if (!config.vision) return "none";
  const model::ClipConfig& v = *config.vision;
  return fmt::format("{} of {} layers, width {}, {} heads, MLP {}, tiles of {}, patches of {}",
                     config.vision_layers_used(), v.layers, v.width, v.heads, v.mlp_width, v.image_size, v.patch_size);
}

Json parts_of(const model::ModelConfig& config, std::int64_t image_tokens) {
  const model::LlamaConfig& c = config.text;
  Json vision;
  if (config.vision) {
    const model::ClipConfig& v = *config.vision;
    vision = {{"layers", v.layers},         {"layers_used", config.vision_layers_used()},
              {"width", v.width},           {"heads", v.heads},
              {"mlp_width", v.mlp_width},   {"image_size", v.image_size},
              {"patch_size", v.patch_size}, {"most_tokens", image_tokens}};
  }
  return {{"language_model",
           {{"layers", c.layers},
            {"width", c.width},
            {"heads", c.heads},
            {"kv_heads", c.kv_heads},
            {"head_width", c.head_width},
            {"mlp_width", c.mlp_width},
            {"vocabulary", c.vocabulary}}},
          {"vision_tower", vision}};
}

}  // namespace

LlavaNextInspection::LlavaNextInspection(const std::filesystem::path& folder, const LoadOptions& load,
                                         const PrepareOptions& prepare)
    : folder_(folder), adapter_(load.adapter), prepare_(prepare), config_(model::read_config(folder)) {}

std::string LlavaNextInspection::config() const {
  const std::string language = fmt::format("{} layers of width {}", config_.text.layers, config_.text.width);
  if (!sees()) return language + ", text only";
  return fmt::format("{}; vision tower of {} layers, width {}", language, config_.vision->layers,
                     config_.vision->width);
}

std::string LlavaNextInspection::tensors(const model::Checkpoint& checkpoint) const {
  const auto language = model::LlamaWeights::from(checkpoint, config_.text);
  const std::string rest = unused_text(model::unused_tensors(checkpoint, config_));
  if (!sees()) return fmt::format("{} layers, complete{}", language.blocks.size(), rest);
  const auto tower = model::ClipWeights::from(checkpoint, *config_.vision, config_.vision_layers_used());
  const model::Projector projector(checkpoint, config_, nn::Precision::f32);
  checkpoint.tensor("image_newline", {config_.text.width});
  return fmt::format("{} language and {} vision layers, complete{}", language.blocks.size(), tower.blocks.size(), rest);
}

std::string LlavaNextInspection::tokenizer() const {
  const auto [tokenizer, style] = read_llava_next_tokenizer(folder_, config_);
  return fmt::format("{} tokens, {} prompts", tokenizer.size(), text::name_of(style));
}

std::string LlavaNextInspection::preprocess() const {
  const image::Preprocess preprocess = read_llava_next_preprocess(folder_, config_, prepare_);
  return fmt::format("tiles of {}, {} grids", preprocess.tile, preprocess.grid_pinpoints.size());
}

Description LlavaNextInspection::describe(const model::Checkpoint& checkpoint, const RunPlan& plan) const {
  Description info;
  info.used = count_parameters(config_);
  info.unused = model::unused_tensors(checkpoint, config_);
  info.kernel = kernel_of(checkpoint, config_.text, plan.precision);
  embed::Preparer preparer = make_llava_next_preparer(folder_, config_, prepare_);
  info.chat_style = preparer.style();
  info.context = preparer.limits().context;
  info.image_tokens = largest_image_tokens(config_, preparer.preprocess());
  info.memory =
      estimate_memory(config_, preparer.preprocess(), plan, std::filesystem::file_size(folder_ / "tokenizer.json"));
  info.device_memory = estimate_device_memory(config_, preparer.preprocess(), plan);
  info.fingerprint = {embed::weights_hash(checkpoint, config_text(config_), adapter_), preparer.preprocessing(),
                      embed::compute_text(plan.precision, plan.run, checkpoint.place()), *preparer.prompt_hash("text")};
  info.architecture = architecture_text(config_);
  info.towers = {{"language model", language_text(config_.text)}, {"vision tower", vision_text(config_)}};
  info.parts = parts_of(config_, info.image_tokens);
  info.width = config_.text.width;
  return info;
}

}  // namespace e5v::families

#include "embed/loading.h"
#include "inspect/info.h"
#include "model/unused_tensors.h"
#include "nn/linear.h"

namespace e5v::inspect {
namespace {

/// The kernel that the largest GEMM of a block runs on, found by making its weight ready.
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

void inspect_llava(ModelInfo& info, const model::Checkpoint& checkpoint, const EmbedderOptions& options) {
  const model::ModelConfig config = model::read_config(info.folder);
  info.used = count_parameters(config);
  info.unused = model::unused_tensors(checkpoint, config);
  info.kernel = kernel_of(checkpoint, config.text, info.precision);
  embed::Preparer preparer = embed::make_preparer(info.folder, config, checkpoint, info.precision, options);
  info.chat_style = preparer.style();
  info.context = preparer.limits().context;
  info.image_tokens = largest_image_tokens(config, preparer.preprocess());
  info.memory = estimate_memory(config, preparer.preprocess(), info.precision, info.stored, options,
                                std::filesystem::file_size(info.folder / "tokenizer.json"));
  info.device_memory = estimate_device_memory(config, preparer.preprocess(), info.precision, info.stored, options);
  info.fingerprint = *preparer.fingerprint("text");
  info.architecture = architecture_text(config);
  info.towers = {{"language model", language_text(config.text)}, {"vision tower", vision_text(config)}};
  info.parts = parts_of(config, info.image_tokens);
  info.width = config.text.width;
}

}  // namespace e5v::inspect

#include "embed/clip_prepare.h"
#include "embed/loading.h"
#include "inspect/info.h"
#include "model/unused_tensors.h"
#include "nn/linear.h"

namespace e5v::inspect {
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

void inspect_clip(ModelInfo& info, const model::Checkpoint& checkpoint, const EmbedderOptions& options) {
  const model::ClipModelConfig config = model::read_clip_config(info.folder);
  const model::ClipTextConfig& t = config.text;
  const model::ClipConfig& v = config.vision;
  info.used = count_parameters(config);
  info.unused = model::unused_tensors(checkpoint, config);
  const tensor::StoredMatrix widest =
      checkpoint.matrix("vision_model.encoder.layers.0.mlp.fc2.weight", v.width, v.mlp_width);
  info.kernel = nn::Linear({widest}, info.precision).kernel();
  const auto preparer = embed::make_clip_preparer(info.folder, config, checkpoint, info.precision, options);
  info.chat_style = preparer->style();
  info.context = t.max_positions;
  info.memory = estimate_memory(config, info.precision, info.stored, options,
                                std::filesystem::file_size(info.folder / "tokenizer.json"));
  info.device_memory = estimate_device_memory(config, info.precision, info.stored, options);
  info.fingerprint = *preparer->fingerprint("text");
  info.architecture = "CLIP";
  info.towers = {
      {"text tower", fmt::format("{} layers, width {}, {} heads, MLP {}", t.layers, t.width, t.heads, t.mlp_width)},
      {"vision tower", fmt::format("{} layers, width {}, {} heads, MLP {}, images of {}, patches of {}", v.layers,
                                   v.width, v.heads, v.mlp_width, v.image_size, v.patch_size)}};
  info.parts = parts_of(config);
  info.width = config.projection;
}

}  // namespace e5v::inspect

#include "model/unused_tensors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "model/bitsandbytes.h"
#include "model/synthetic.h"

namespace e5v::model {
namespace {

/// Whether a tensor belongs to a layer after the computed ones.
bool leaves_out(std::string_view prefix, std::int64_t used, std::string_view name) {
  if (!name.starts_with(prefix)) return false;
  const std::string_view rest = name.substr(prefix.size());
  std::int64_t layer = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), layer);
  return error == std::errc() && end != rest.data() + rest.size() && *end == '.' && layer >= used;
}

/// Whether a tensor is a part of a quantised matrix that the model reads.
bool is_part(const Checkpoint& checkpoint, std::string_view name, const ReadTensors& reads) {
  constexpr std::array<std::string_view, 5> kNf4{Nf4Suffix::kScales, Nf4Suffix::kCodeMap, Nf4Suffix::kNestedScales,
                                                 Nf4Suffix::kScaleMap, Nf4Suffix::kState};
  for (const std::string_view suffix : kNf4) {
    if (name.ends_with(suffix)) return reads.names.contains(name.substr(0, name.size() - suffix.size()));
  }
  const std::string module(name.substr(0, name.rfind('.')));
  if (!reads.names.contains(module + ".weight")) return false;
  return checkpoint.reads_part(module, name.substr(std::min(name.size(), module.size() + 1)));
}

void add_tower(ReadTensors& reads, const std::string& prefix, std::int64_t layers) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (const char* module : {"layer_norm1", "layer_norm2", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                               "self_attn.out_proj", "mlp.fc1", "mlp.fc2"}) {
      for (const char* part : {"weight", "bias"})
        reads.names.insert(fmt::format("{}encoder.layers.{}.{}.{}", prefix, layer, module, part));
    }
  }
}

}  // namespace

std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ReadTensors& reads) {
  std::vector<std::string> outside;
  for (const Checkpoint::Stored& tensor : checkpoint.tensors()) {
    const std::string& name = tensor.canonical;
    if (reads.names.contains(name) || checkpoint.names().is_never_used(name)) continue;
    if (is_part(checkpoint, name, reads)) continue;
    if (std::ranges::any_of(reads.layers,
                            [&](const auto& layers) { return leaves_out(layers.first, layers.second, name); }))
      continue;
    const auto is_inside = [&](const std::string& module) { return name.starts_with(module); };
    const bool adapter = name.find(".lora_") != std::string::npos || name.find(".base_layer.") != std::string::npos;
    require<ModelError>(
        !adapter && std::ranges::none_of(reads.modules, is_inside),
        "[{}] tensor {} is of a module that is computed, but the model that config.json describes does not read it: "
        "the file's own vectors are different",
        checkpoint.file_of(name), in_quotes(tensor.stored));
    outside.push_back(tensor.stored);
  }
  return outside;
}

std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ModelConfig& config) {
  ReadTensors reads;
  for (const SyntheticTensor& tensor : synthetic_tensors(config, tensor::DType::f32))
    reads.names.insert(checkpoint.names().canonical(tensor.spec.name));
  reads.modules = {"language_model."};
  reads.layers.emplace("language_model.layers.", config.text.layers);
  if (config.vision) {
    reads.modules.insert(reads.modules.end(), {"vision_tower.", "projector.", "image_newline"});
    reads.layers.emplace("vision_tower.encoder.layers.", config.vision_layers_used());
  }
  return unused_tensors(checkpoint, reads);
}

std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ClipModelConfig& config) {
  ReadTensors reads;
  reads.names = {"text_model.embeddings.token_embedding.weight",
                 "text_model.embeddings.position_embedding.weight",
                 "text_model.final_layer_norm.weight",
                 "text_model.final_layer_norm.bias",
                 "text_projection.weight",
                 "vision_model.embeddings.class_embedding",
                 "vision_model.embeddings.patch_embedding.weight",
                 "vision_model.embeddings.position_embedding.weight",
                 "vision_model.pre_layrnorm.weight",
                 "vision_model.pre_layrnorm.bias",
                 "vision_model.post_layernorm.weight",
                 "vision_model.post_layernorm.bias",
                 "visual_projection.weight"};
  add_tower(reads, "text_model.", config.text.layers);
  add_tower(reads, "vision_model.", config.vision.layers);
  reads.modules = {"text_model.", "vision_model.", "text_projection.", "visual_projection."};
  return unused_tensors(checkpoint, reads);
}

std::string names_text(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", in_quotes(names[i]));
  return names.size() > kShown ? fmt::format("{} and {} more", text, names.size() - kShown) : text;
}

}  // namespace e5v::model

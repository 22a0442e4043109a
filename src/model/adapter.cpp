#include "model/adapter.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "model/adapter_config.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWrapper = "base_model.model.", kA = ".lora_A.weight", kB = ".lora_B.weight";
constexpr const char* kAdapterConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kBaseKey = "e5v_base";
constexpr std::uint64_t kMaxConfigBytes = 1 << 20;

/// Checks that both files exist, and that no other file holds weights that PEFT or its trainer would use.
void check_files(const fs::path& folder) {
  require<ModelError>(fs::exists(folder / kAdapterConfigFile), "[{}] is no adapter: it has no {}", folder.string(),
                      kAdapterConfigFile);
  const fs::path pickled = folder / "adapter_model.bin", others = folder / "non_lora_trainables.bin";
  require<ModelError>(
      fs::exists(folder / kWeightsFile) || !fs::exists(pickled),
      "[{}] is a pickled adapter, expected {}: convert it with PEFT, which reads the one and writes the "
      "other (PeftModel.from_pretrained, save_pretrained)",
      pickled.string(), kWeightsFile);
  require<ModelError>(fs::exists(folder / kWeightsFile), "[{}] is no adapter: it has no {}", folder.string(),
                      kWeightsFile);
  require<ModelError>(
      !fs::exists(others),
      "[{}] holds weights that were trained together with the adapter (LLaVA's projector) and are not read: "
      "merge both with LLaVA's own scripts and give the merged checkpoint as the model",
      others.string());
}

/// The two matrices of a module in the file, and the module's name there: "model.layers.0.mlp.up_proj" of
/// "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight".
struct StoredPair {
  const tensor::TensorView *a = nullptr, *b = nullptr;
  std::string_view module;
};
using StoredPairs = std::map<std::string, StoredPair>;  // by canonical name

/// Why a tensor is not read that is neither lora_A nor lora_B of a matrix.
std::string_view what_else(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kKinds{{
      {"lora_embedding_", "LoRA of the token embeddings is not supported"},
      {"lora_magnitude_vector", "DoRA is not supported"},
      {".bias", "biases are not supported"},
      {"modules_to_save", "modules that were saved whole are not supported"},
      {"trainable_tokens", "trained tokens are not supported"},
      {"base_layer", "weights of the base, with which PEFT replaces those of the checkpoint, are not supported"},
      {"lora_", "only PEFT's lora_A.weight and lora_B.weight are read"},
  }};
  for (const auto& [part, what] : kKinds) {
    if (name.find(part) != std::string_view::npos) return what;
  }
  return "weights of the base, with which PEFT replaces those of the checkpoint, are not supported";
}

StoredPairs stored_pairs(const tensor::SafetensorsFile& file, const std::string& origin) {
  StoredPairs pairs;
  for (const auto& [name, view] : file.tensors()) {
    if (name.find(".lora_velora_embed") != std::string::npos) continue;  // of VeLoRA's backward pass
    const bool a = name.ends_with(kA), b = name.ends_with(kB);
    require<ModelError>(a || b, "[{}] {} is no matrix of LoRA: {}", origin, in_quotes(name), what_else(name));
    std::string_view module = std::string_view(name).substr(0, name.size() - kA.size());
    if (module.starts_with(kWrapper)) module.remove_prefix(kWrapper.size());
    StoredPair& pair = pairs.try_emplace(canonical_module(module), StoredPair{nullptr, nullptr, module}).first->second;
    const tensor::TensorView*& slot = a ? pair.a : pair.b;
    require<ModelError>(slot == nullptr && pair.module == module, "[{}] {} and {} name the same matrix", origin,
                        in_quotes(name), in_quotes(pair.module));
    slot = &view;
  }
  return pairs;
}

tensor::Tensor checked_f32(const tensor::TensorView& view, std::int64_t rows, std::int64_t columns,
                           const std::string& origin, const std::string& name) {
  const bool fits = view.shape.rank() == 2 && view.shape[0] == rows && view.shape[1] == columns;
  require<ModelError>(fits, "[{}] {} is {}, expected [{}, {}]: the adapter belongs to another model", origin,
                      in_quotes(name), view.shape.text(), rows, columns);
  const bool known =
      view.dtype == tensor::DType::f32 || view.dtype == tensor::DType::f16 || view.dtype == tensor::DType::bf16;
  require<ModelError>(known, "[{}] {} is stored as {}, expected f32, f16 or bf16: save the adapter in one of these",
                      origin, in_quotes(name), name_of(view.dtype));
  require<ModelError>(all_finite(view), "[{}] {} holds NaN or infinity: the adapter is broken", origin,
                      in_quotes(name));
  return to_f32(view);
}

/// Refuses matrices that are left after all sites have theirs.
void require_all_taken(const StoredPairs& left, const ModelConfig& config, const std::string& origin) {
  if (left.empty()) return;
  const auto& [name, pair] = *left.begin();
  const Quoted module = in_quotes(pair.module);
  require<ModelError>(
      !name.starts_with("language_model."),
      "[{}] {} is no matrix of the language model, which has {} layers: the adapter belongs to another model", origin,
      module, config.text.layers);
  const bool tower = name.starts_with("vision_tower."), sees = config.vision.has_value();
  require<ModelError>(
      sees || !(tower || name.starts_with("projector.")),
      "[{}] {} belongs to LLaVA-NeXT's vision tower or projector, but the model is a language model alone", origin,
      module);
  require<ModelError>(
      !tower,
      "[{}] {} is not supported; in the vision tower's {} layers, LoRA is read for q_proj, k_proj, v_proj, "
      "out_proj, fc1 and fc2",
      origin, module, sees ? config.vision->layers : 0);
  fail<ModelError>("[{}] {} is no matrix that LoRA is read for: the adapter belongs to another model", origin, module);
}

/// The first two or three words of a canonical name: "language_model.", "vision_tower.encoder.", "projector.".
std::string_view part_of_model(std::string_view canonical) {
  constexpr std::string_view kTower = "vision_tower.encoder.";
  if (canonical.starts_with(kTower)) return kTower;
  return canonical.substr(0, canonical.find('.') + 1);
}

/// The beginning of the names of a part in the file. The key is its part_of_model() in canonical names.
using Prefixes = std::map<std::string_view, std::string>;

Prefixes prefixes_of(const StoredPairs& pairs) {
  Prefixes prefixes;
  for (const auto& [canonical, pair] : pairs) {
    const std::string_view part = part_of_model(canonical);
    const std::string_view rest = std::string_view(canonical).substr(part.size());
    if (!part.empty() && pair.module.ends_with(rest))
      prefixes.emplace(part, pair.module.substr(0, pair.module.size() - rest.size()));
  }
  return prefixes;
}

/// PEFT drops matrices that the config does not name, and initialises those that the file lacks. Both are refused,
/// because neither is what was trained.
void require_targets(const AdapterConfig& settings, const StoredPairs& pairs, const std::vector<AdapterSite>& sites,
                     const std::string& origin) {
  for (const auto& [canonical, pair] : pairs) {
    require<ModelError>(
        settings.targets(pair.module),
        "[{}] holds matrices of {}, which target_modules, exclude_modules and layers_to_transform of {} "
        "leave out: PEFT would not use them",
        origin, in_quotes(pair.module), kAdapterConfigFile);
  }
  const Prefixes prefixes = prefixes_of(pairs);
  for (const AdapterSite& site : sites) {
    const std::string_view part = part_of_model(site.name);
    const auto prefix = prefixes.find(part);
    if (!site.computed || prefix == prefixes.end() || pairs.contains(site.name)) continue;
    const std::string module = prefix->second + site.name.substr(part.size());
    require<ModelError>(!settings.targets(module),
                        "[{}] has no matrices of {}, which target_modules of {} names: the file is incomplete", origin,
                        in_quotes(module), kAdapterConfigFile);
  }
}

/// PEFT's LoraConfig of an adapter, without fields that have their defaults.
OrderedJson written_config(const Adapter& adapter) {
  OrderedJson json{{"peft_type", "LORA"}, {"base_model_name_or_path", ""}};
  if (adapter.inside_llava) {
    json["task_type"] = nullptr;
    json["auto_mapping"] = {{"base_model_class", "LlavaNextForConditionalGeneration"},
                            {"parent_library", "transformers.models.llava_next.modeling_llava_next"}};
    // The vision tower has matrices of the same names, which have no adapter.
    json["target_modules"] = fmt::format(R"(.*language_model\..*\.({}))", fmt::join(adapter.targets, "|"));
  } else {
    json["task_type"] = "CAUSAL_LM";
    json["target_modules"] = adapter.targets;
  }
  json.update(OrderedJson{{"r", adapter.rank},
                          {"lora_alpha", adapter.alpha},
                          {"lora_dropout", adapter.dropout},
                          {"bias", "none"},
                          {"fan_in_fan_out", false},
                          {"inference_mode", true},
                          {"init_lora_weights", true},
                          {"modules_to_save", nullptr},
                          {"use_dora", false},
                          {"use_rslora", false}});
  return json;
}

}  // namespace

Adapter Adapter::read(const fs::path& folder, const ModelConfig& config) try {
  check_files(folder);
  const std::string config_origin = (folder / kAdapterConfigFile).string(), origin = (folder / kWeightsFile).string();
  const AdapterConfig settings(
      parse_ordered_json(read_file(folder / kAdapterConfigFile, kMaxConfigBytes), config_origin), config_origin);
  Adapter adapter;
  adapter.rank = settings.rank(), adapter.alpha = settings.alpha(), adapter.dropout = settings.dropout();
  const tensor::SafetensorsFile file(folder / kWeightsFile);
  if (const auto base = file.metadata().find(kBaseKey); base != file.metadata().end()) adapter.base = base->second;
  StoredPairs pairs = stored_pairs(file, origin);
  require<ModelError>(!pairs.empty(), "[{}] holds no matrices", origin);
  const std::vector<AdapterSite> sites = adapter_sites(config);
  require_targets(settings, pairs, sites, origin);
  for (const AdapterSite& site : sites) {
    const auto entry = pairs.find(site.name);
    if (entry == pairs.end()) continue;
    const auto [a, b, module] = entry->second;
    require<ModelError>(a != nullptr && b != nullptr, "[{}] {} has only one of lora_A and lora_B", origin, site.name);
    const std::int64_t rank = settings.rank_of(module);
    adapter.parts.push_back({site.name, checked_f32(*a, rank, site.inputs, origin, fmt::format("{}{}", module, kA)),
                             checked_f32(*b, site.outputs, rank, origin, fmt::format("{}{}", module, kB)),
                             settings.scale_of(module), static_cast<std::uint32_t>(adapter.parts.size())});
    adapter.inside_llava |= module.find("language_model.") != std::string_view::npos;
    const std::string target = site.name.substr(site.name.rfind('.') + 1);
    if (std::ranges::find(adapter.targets, target) == adapter.targets.end()) adapter.targets.push_back(target);
    pairs.erase(entry);
  }
  require_all_taken(pairs, config, origin);
  return adapter;
} catch (const InvalidInput& error) {
  throw ModelError(error.what());
}

void Adapter::place_on(tensor::Place place) {
  for (nn::Lora& part : parts) {
    for (tensor::Tensor* matrix : {&part.a_RK, &part.b_NR}) *matrix = copied(matrix->view(), place);
  }
}

void Adapter::add_content(const fs::path& folder, Hasher& hasher) try {
  check_files(folder);
  for (const char* file : {kAdapterConfigFile, kWeightsFile}) hasher.add(read_file(folder / file));
} catch (const InvalidInput& error) {
  throw ModelError(error.what());
}

void Adapter::write(const fs::path& folder) const {
  std::vector<tensor::TensorSpec> specs;
  std::map<std::string, const tensor::Tensor*> tensors;
  for (const nn::Lora& part : parts) {
    const std::string stored = fmt::format("{}{}", kWrapper, peft_module(part.target, inside_llava));
    specs.push_back({fmt::format("{}{}", stored, kA), tensor::DType::f32, part.a_RK.shape()});
    tensors[specs.back().name] = &part.a_RK;
    specs.push_back({fmt::format("{}{}", stored, kB), tensor::DType::f32, part.b_NR.shape()});
    tensors[specs.back().name] = &part.b_NR;
  }
  tensor::SafetensorsWriter writer(folder / kWeightsFile, specs, {{"format", "pt"}, {kBaseKey, base}});
  for (const tensor::TensorSpec& spec : specs)
    writer.write(spec.name, copied(tensors.at(spec.name)->view(), tensor::Place::host).view().bytes());
  writer.finish();
  write_file_atomically(folder / kAdapterConfigFile, written_config(*this).dump(2) + "\n");
}

}  // namespace e5v::model

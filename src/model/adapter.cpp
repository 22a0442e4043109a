#include "model/adapter.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "model/checkpoint.h"
#include "tensor/safetensors.h"
#include "tensor/safetensors_writer.h"
#include "text/regex.h"

namespace e5v::model {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWrapper = "base_model.model.", kA = ".lora_A.weight", kB = ".lora_B.weight";
constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kBaseKey = "e5v_base";
constexpr std::uint64_t kMostConfigBytes = 1 << 20;
constexpr std::size_t kMostPatterns = 4096;

/// The module that a matrix is for, as the model that PEFT saw calls it: "model.layers.0.mlp.up_proj" of
/// "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight".
std::string_view module_of(std::string_view stored) {
  if (stored.starts_with(kWrapper)) stored.remove_prefix(kWrapper.size());
  return stored.substr(0, stored.size() - kA.size());
}

/// rank_pattern or alpha_pattern: what modules have instead of "r" or "lora_alpha".
template <class T>
class Patterns {
 public:
  Patterns(const OrderedJson& config, const char* name, const std::string& origin) {
    const auto patterns = json_value(config, name, OrderedJson::object(), origin);
    require<ModelError>(patterns.is_object(), "[{}] \"{}\" has an unexpected type: {}", origin, name,
                        patterns.type_name());
    require<ModelError>(patterns.size() <= kMostPatterns, "[{}] \"{}\" has {} keys, more than the limit of {}", origin,
                        name, patterns.size(), kMostPatterns);
    for (const auto& [key, value] : patterns.items()) {
      text::Regex fits(fmt::format(R"(\A(.*\.)?({})$)", key), fmt::format("[{}] a key of \"{}\"", origin, name));
      entries_.push_back({std::move(fits), json_as<T>(value, key, origin)});
    }
  }

  /// The value under the first key that matches the module's name, or its end behind a dot. As in PEFT, keys are
  /// regular expressions, and one that no module has is passed over. Source: PEFT, get_pattern_key.
  std::optional<T> find(std::string_view module) const {
    for (const Entry& entry : entries_) {
      if (!entry.fits.find_all(module).empty()) return entry.value;
    }
    return std::nullopt;
  }

 private:
  struct Entry {
    text::Regex fits;
    T value;
  };
  std::vector<Entry> entries_;
};

/// PEFT's options, as far as they decide what an adapter adds.
class Settings {
 public:
  Settings(const OrderedJson& json, const std::string& origin)
      : json_(json), origin_(origin), ranks_(json, "rank_pattern", origin), alphas_(json, "alpha_pattern", origin) {
    const auto text = [&](const char* key, const char* otherwise) {
      return json_value<std::string>(json_, key, otherwise, origin_);
    };
    require<ModelError>(text("peft_type", "LORA") == "LORA", "[{}] peft_type is {}, only LORA is supported", origin_,
                        text("peft_type", ""));
    require<ModelError>(text("bias", "none") == "none", "[{}] trained biases (\"bias\": \"{}\") are not supported",
                        origin_, text("bias", ""));
    for (const char* flag : {"use_dora", "fan_in_fan_out", "lora_bias"}) {
      require<ModelError>(!json_value(json_, flag, false, origin_), "[{}] {} is not supported", origin_, flag);
    }
    const auto saved = json_.find("modules_to_save");
    require<ModelError>(saved == json_.end() || saved->is_null() || saved->empty(),
                        "[{}] modules_to_save is not supported: only LoRA matrices are", origin_);
  }

  std::int64_t rank() const { return json_value<std::int64_t>(json_, "r", 8, origin_); }
  double alpha() const { return json_value<double>(json_, "lora_alpha", 8, origin_); }
  double dropout() const { return json_value<double>(json_, "lora_dropout", 0, origin_); }
  std::vector<std::string> targets() const {
    const auto found = json_.find("target_modules");
    if (found == json_.end() || !found->is_array()) return {};
    return json_value<std::vector<std::string>>(json_, "target_modules", {}, origin_);
  }

  /// alpha / r, or alpha / sqrt(r), of one matrix.
  float scale_of(std::string_view module, std::int64_t rank) const {
    const double own_alpha = alphas_.find(module).value_or(alpha());
    const double divisor = static_cast<double>(rank);
    return static_cast<float>(own_alpha /
                              (json_value(json_, "use_rslora", false, origin_) ? std::sqrt(divisor) : divisor));
  }
  std::int64_t rank_of(std::string_view module) const { return ranks_.find(module).value_or(rank()); }

 private:
  const OrderedJson& json_;
  std::string origin_;
  Patterns<std::int64_t> ranks_;
  Patterns<double> alphas_;
};

/// The two matrices of a site in the file, and its name there.
struct StoredPair {
  const tensor::TensorView *a = nullptr, *b = nullptr;
  std::string_view module;
};

tensor::Tensor checked_f32(const tensor::TensorView& view, std::int64_t rows, std::int64_t columns,
                           const std::string& origin, const std::string& name) {
  const bool fits = view.shape.rank() == 2 && view.shape[0] == rows && view.shape[1] == columns;
  require<ModelError>(fits, "[{}] {} is {}, expected [{}, {}]: the adapter is of another model", origin,
                      in_quotes(name), view.shape.text(), rows, columns);
  return to_f32(view);
}

}  // namespace

std::vector<AdapterSite> adapter_sites(const LlamaConfig& c) {
  const std::int64_t D = c.width, HE = c.heads * c.head_width, KE = c.kv_heads * c.head_width, F = c.mlp_width;
  std::vector<AdapterSite> sites;
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const std::string prefix = fmt::format("language_model.layers.{}.", layer);
    sites.push_back({prefix + "self_attn.q_proj", HE, D});
    sites.push_back({prefix + "self_attn.k_proj", KE, D});
    sites.push_back({prefix + "self_attn.v_proj", KE, D});
    sites.push_back({prefix + "self_attn.o_proj", D, HE});
    sites.push_back({prefix + "mlp.gate_proj", F, D});
    sites.push_back({prefix + "mlp.up_proj", F, D});
    sites.push_back({prefix + "mlp.down_proj", D, F});
  }
  return sites;
}

Adapter Adapter::read(const fs::path& folder, const LlamaConfig& config) try {
  require<ModelError>(fs::exists(folder / kConfigFile), "[{}] is no adapter: it has no {}", folder.string(),
                      kConfigFile);
  const std::string config_origin = (folder / kConfigFile).string(), origin = (folder / kWeightsFile).string();
  const OrderedJson json = parse_ordered_json(read_file(folder / kConfigFile, kMostConfigBytes), config_origin);
  require<ModelError>(json.is_object(), "[{}] expected an object, found {}", config_origin, json.type_name());
  const Settings settings(json, config_origin);
  Adapter adapter{{}, settings.rank(), settings.alpha(), settings.dropout(), settings.targets(), ""};
  const tensor::SafetensorsFile file(folder / kWeightsFile);
  if (const auto base = file.metadata().find(kBaseKey); base != file.metadata().end()) adapter.base = base->second;
  std::map<std::string, StoredPair> found;
  for (const auto& [name, view] : file.tensors()) {
    const bool a = name.ends_with(kA), b = name.ends_with(kB);
    require<ModelError>(a || b, "[{}] {} is no matrix of LoRA", origin, in_quotes(name));
    const std::string_view module = module_of(name);
    StoredPair& pair = found[canonical_name(module)];
    (a ? pair.a : pair.b) = &view;
    pair.module = module;
  }
  for (const AdapterSite& site : adapter_sites(config)) {
    const auto entry = found.find(site.name);
    if (entry == found.end()) continue;
    const auto [a, b, module] = entry->second;
    require<ModelError>(a != nullptr && b != nullptr, "[{}] {} has only one of lora_A and lora_B", origin, site.name);
    const std::int64_t rank = settings.rank_of(module);
    require<ModelError>(rank > 0, "[{}] rank {} is not positive", config_origin, rank);
    adapter.parts.push_back({site.name, checked_f32(*a, rank, site.inputs, origin, site.name + ".lora_A"),
                             checked_f32(*b, site.outputs, rank, origin, site.name + ".lora_B"),
                             settings.scale_of(module, rank), static_cast<std::uint32_t>(adapter.parts.size())});
    found.erase(entry);
  }
  require<ModelError>(
      found.empty(), "[{}] {} is no matrix of the language model, which has {} layers: the adapter is of another model",
      origin, in_quotes(found.empty() ? "" : found.begin()->first), config.layers);
  require<ModelError>(!adapter.parts.empty(), "[{}] holds no matrices", origin);
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
  for (const char* file : {kConfigFile, kWeightsFile}) hasher.add(read_file(folder / file));
} catch (const InvalidInput& error) {
  throw ModelError(error.what());
}

void Adapter::write(const fs::path& folder) const {
  std::vector<tensor::TensorSpec> specs;
  std::map<std::string, const tensor::Tensor*> tensors;
  for (const nn::Lora& part : parts) {
    constexpr std::string_view kModel = "language_model";
    const std::string stored = fmt::format("{}model{}", kWrapper, part.target.substr(kModel.size()));
    specs.push_back({fmt::format("{}{}", stored, kA), tensor::DType::f32, part.a_RK.shape()});
    tensors[specs.back().name] = &part.a_RK;
    specs.push_back({fmt::format("{}{}", stored, kB), tensor::DType::f32, part.b_NR.shape()});
    tensors[specs.back().name] = &part.b_NR;
  }
  tensor::SafetensorsWriter writer(folder / kWeightsFile, specs, {{"format", "pt"}, {kBaseKey, base}});
  for (const tensor::TensorSpec& spec : specs)
    writer.write(spec.name, copied(tensors.at(spec.name)->view(), tensor::Place::host).view().bytes());
  writer.finish();
  OrderedJson json{{"peft_type", "LORA"},
                   {"task_type", "CAUSAL_LM"},
                   {"base_model_name_or_path", ""},
                   {"r", rank},
                   {"lora_alpha", alpha},
                   {"lora_dropout", dropout},
                   {"target_modules", targets},
                   {"bias", "none"},
                   {"fan_in_fan_out", false},
                   {"inference_mode", true},
                   {"init_lora_weights", true},
                   {"modules_to_save", nullptr},
                   {"use_dora", false},
                   {"use_rslora", false}};
  write_file_atomically(folder / kConfigFile, json.dump(2) + "\n");
}

}  // namespace e5v::model

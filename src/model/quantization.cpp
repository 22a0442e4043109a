#include "model/quantization.h"

#include <algorithm>
#include <array>

namespace e5v::model {
namespace {

constexpr const char* kQuantization = "quantization_config";
constexpr std::size_t kMaxTargets = 100'000;

/// Checks that the layout of compressed-tensors is supported. The tensors show which layout each matrix has.
void check_format(const Fields& fields, std::string_view otherwise) {
  constexpr std::array<std::string_view, 7> kFormats{
      "int-quantized", "pack-quantized", "float-quantized", "naive-quantized", "mixed-precision", "dense", "fakequant"};
  const std::string format = fields.text("format", std::string(otherwise));
  fields.check(std::ranges::find(kFormats, format) != kFormats.end(), "format",
               "int-quantized, pack-quantized, float-quantized, naive-quantized or mixed-precision");
}

/// Refuses a key unless its value is empty.
void refuse_set(const Fields& fields, const char* key, std::string_view why) {
  const Json* value = fields.find(key);
  const bool absent = value == nullptr || value->is_null() || (value->is_object() && value->empty());
  fields.check(absent, key, fmt::format("nothing ({})", why));
}

/// A sparse matrix is stored dense under the format "dense".
void check_sparsity(const Fields& fields) {
  const std::optional<Fields> sparsity = fields.child("sparsity_config");
  if (!sparsity || sparsity->object().empty()) return;
  sparsity->check(sparsity->text("format", "none") == "dense", "format", "dense (sparse formats are not supported)");
}

void read_bitsandbytes(const Fields& fields) {
  // The skipped modules are those that are stored plain. The llm_int8_ options belong to 8 bits. The other keys give
  // the type in which the reference computes.
  constexpr std::array<std::string_view, 13> kKnown{"quant_method",
                                                    "load_in_4bit",
                                                    "_load_in_4bit",
                                                    "load_in_8bit",
                                                    "_load_in_8bit",
                                                    "bnb_4bit_quant_type",
                                                    "bnb_4bit_quant_storage",
                                                    "bnb_4bit_use_double_quant",
                                                    "bnb_4bit_compute_dtype",
                                                    "llm_int8_skip_modules",
                                                    "llm_int8_threshold",
                                                    "llm_int8_enable_fp32_cpu_offload",
                                                    "llm_int8_has_fp16_weight"};
  fields.check(!fields.flag("load_in_8bit", false) && !fields.flag("_load_in_8bit", false), "load_in_8bit",
               "false (LLM.int8() is not supported)");
  fields.check(fields.flag("load_in_4bit", fields.flag("_load_in_4bit", false)), "load_in_4bit", "true");
  fields.check(fields.text("bnb_4bit_quant_type", "fp4") == "nf4", "bnb_4bit_quant_type", "\"nf4\"", "fp4");
  fields.check(fields.text("bnb_4bit_quant_storage", "uint8") == "uint8", "bnb_4bit_quant_storage", "\"uint8\"");
  refuse_unknown(fields, kKnown);
}

std::string target_text(const Fields& fields, const char* key, const Json& item) {
  fields.check(item.is_string(), key, "a list of names");
  return item.get<std::string>();
}

/// The names in a list; none when the list is absent.
std::vector<std::string> names_of(const Fields& fields, const char* key) {
  std::vector<std::string> names;
  if (!fields.has(key)) return names;
  const Json& list = *fields.find(key);
  fields.check(list.is_array() && list.size() <= kMaxTargets, key, "a list of names");
  for (const Json& item : list) names.push_back(target_text(fields, key, item));
  return names;
}

}  // namespace

Quantization::Target::Target(const std::string& given, std::size_t of, const std::string& where)
    : text(given), group(of) {
  constexpr std::string_view kPattern = "re:";
  if (!given.starts_with(kPattern)) return;
  pattern.emplace(fmt::format(R"(\A(?:{}))", given.substr(kPattern.size())), where);
}

bool Quantization::Target::matches(std::span<const std::string> names) const {
  return std::ranges::any_of(
      names, [&](const std::string& name) { return pattern ? !pattern->find_all(name).empty() : name == text; });
}

Quantization Quantization::from(const Fields& config) {
  Quantization result;
  refuse_set(config, "compression_config",
             "compressed-tensors of 2024 used this name for quantization_config: rename it");
  if (const std::optional<Fields> text = config.child("text_config")) {
    text->check(!text->has(kQuantization), kQuantization, "nothing here (it belongs at the top of the file)");
  }
  const std::optional<Fields> fields = config.child(kQuantization);
  if (!fields) return result;
  const std::string method = fields->text("quant_method", fields->has("load_in_4bit") ? "bitsandbytes" : "none");
  fields->check(method == "compressed-tensors" || method == "bitsandbytes", "quant_method",
                "\"compressed-tensors\" or \"bitsandbytes\"");
  if (method == "bitsandbytes") {
    read_bitsandbytes(*fields);
    result.method_ = Method::bitsandbytes;
  } else {
    result.read_compressed_tensors(*fields);
  }
  return result;
}

void Quantization::read_compressed_tensors(const Fields& fields) {
  // use_optimized_inference concerns kernels, and the ratio concerns sizes.
  constexpr std::array<std::string_view, 14> kKnown{"quant_method",
                                                    "format",
                                                    "quantization_status",
                                                    "config_groups",
                                                    "ignore",
                                                    "version",
                                                    "global_compression_ratio",
                                                    "kv_cache_scheme",
                                                    "sparsity_config",
                                                    "transform_config",
                                                    "moe_sparsity_config",
                                                    "dequantize",
                                                    "run_compressed",
                                                    "use_optimized_inference"};
  method_ = Method::compressed_tensors;
  refuse_set(fields, "transform_config", "rotations of activations while the model runs are not supported");
  refuse_set(fields, "kv_cache_scheme", "rounded keys and values are not supported");
  refuse_set(fields, "moe_sparsity_config", "sparse experts are not supported");
  check_sparsity(fields);
  check_format(fields, "dense");
  fields.check(
      fields.text("quantization_status", "initialized") == "compressed", "quantization_status",
      "\"compressed\" (transformers takes stored integers for plain weights otherwise; if a tool of 2024 wrote "
      "\"frozen\" for compressed weights, change it)",
      "initialized");
  refuse_unknown(fields, kKnown);
  if (const std::optional<Fields> groups = fields.child("config_groups")) {
    for (const auto& [name, unused] : groups->object().items()) {
      const std::optional<Fields> group = groups->child(name.c_str());
      if (group) add_group(*group, name);
    }
  }
  for (const std::string& name : names_of(fields, "ignore")) {
    ignored_.emplace_back(name, 0, fmt::format("[{}] \"ignore\" {}", fields.origin(), in_quotes(name)));
  }
  text_ = Json{{"groups", fields.has("config_groups") ? *fields.find("config_groups") : Json()},
               {"ignore", fields.has("ignore") ? *fields.find("ignore") : Json()},
               {"dequantize", fields.flag("dequantize", false) || !fields.flag("run_compressed", true)}}
              .dump();
  // Weights that are decoded when the model is loaded leave no module that would round its inputs.
  dequantizes_ = fields.flag("dequantize", false) || !fields.flag("run_compressed", true);
  if (dequantizes_) {
    for (QuantizedGroup& group : groups_) group.inputs.reset();
  }
}

void Quantization::add_group(const Fields& fields, const std::string& name) {
  constexpr std::array<std::string_view, 5> kKnown{"targets", "weights", "input_activations", "output_activations",
                                                   "format"};
  check_format(fields, "dense");
  refuse_unknown(fields, kKnown);
  refuse_set(fields, "output_activations", "rounded results are not supported");
  const std::optional<Fields> weights = fields.child("weights"), inputs = fields.child("input_activations");
  if (!weights && !inputs) return;
  fields.check(weights.has_value(), "weights", "an object in addition to \"input_activations\"");
  QuantizedGroup group{name, parse_weight_rounding(*weights), std::nullopt};
  if (inputs) group.inputs = parse_input_rounding(*inputs);
  for (const std::string& text : names_of(fields, "targets")) {
    const std::string where = fmt::format("[{}] a target of {}", fields.origin(), in_quotes(name));
    targets_.insert_or_assign(std::pair(text.starts_with("re:"), text), Target(text, groups_.size(), where));
  }
  groups_.push_back(group);
}

const QuantizedGroup* Quantization::group_of(std::span<const std::string> names, std::string_view module_class) const {
  const auto ignores = [&](const Target& target) { return target.text == module_class || target.matches(names); };
  if (std::ranges::any_of(ignored_, ignores)) return nullptr;
  for (const auto& [key, target] : targets_) {
    if (target.matches(names)) return &groups_[target.group];
  }
  const auto of_class = targets_.find(std::pair(false, std::string(module_class)));
  return of_class == targets_.end() ? nullptr : &groups_[of_class->second.group];
}

}  // namespace e5v::model

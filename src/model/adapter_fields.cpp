// The meaning of each field of an adapter_config.json: all fields of PEFT 0.21.2's LoraConfig, and those of earlier
// versions. tools/check_compatibility.py changes each field and compares PEFT's vectors with ours.
#include <algorithm>
#include <array>
#include <cctype>

#include "model/adapter_config.h"

namespace e5v::model {
namespace {

enum class Meaning {
  honoured,  // it is read here or by AdapterConfig and AdapterTargets
  harmless,  // it concerns training or Python: PEFT's vectors do not depend on it
  refused,   // PEFT computes something else, unless it has its default
};

struct Field {
  std::string_view name;
  Meaning meaning;
  const char* what = "";  // the feature that is refused
  bool merges = true;     // whether PEFT can merge such an adapter
};

constexpr std::array kFields = {
    Field{"peft_type", Meaning::honoured},
    Field{"r", Meaning::honoured},
    Field{"lora_alpha", Meaning::honoured},
    Field{"use_rslora", Meaning::honoured},
    Field{"rank_pattern", Meaning::honoured},
    Field{"alpha_pattern", Meaning::honoured},
    Field{"target_modules", Meaning::honoured},
    Field{"exclude_modules", Meaning::honoured},
    Field{"layers_to_transform", Meaning::honoured},
    Field{"layers_pattern", Meaning::honoured},
    Field{"init_lora_weights", Meaning::honoured},
    Field{"bias", Meaning::honoured},
    Field{"task_type", Meaning::harmless},
    Field{"auto_mapping", Meaning::harmless},
    Field{"peft_version", Meaning::harmless},
    Field{"base_model_name_or_path", Meaning::harmless},
    Field{"revision", Meaning::harmless},
    Field{"inference_mode", Meaning::harmless},
    Field{"lora_dropout", Meaning::harmless},
    Field{"fan_in_fan_out", Meaning::harmless},  // PEFT resets it for a Linear
    Field{"megatron_core", Meaning::harmless},
    Field{"loftq_config", Meaning::harmless},  // these four matter only with their init_lora_weights
    Field{"eva_config", Meaning::harmless},
    Field{"corda_config", Meaning::harmless},
    Field{"lora_ga_config", Meaning::harmless},
    Field{"velora_config", Meaning::harmless},  // another backward pass
    Field{"qalora_group_size", Meaning::harmless},
    Field{"runtime_config", Meaning::harmless},
    Field{"ensure_weight_tying",
          Meaning::harmless},  // it concerns embeddings, which are refused by the names of their tensors
    Field{"merge_weights", Meaning::harmless},  // of PEFT before 0.3
    Field{"modules_to_save", Meaning::refused, "modules that were trained and saved whole"},
    Field{"use_dora", Meaning::refused, "DoRA, which scales the rows of the merged weight"},
    Field{"alora_invocation_tokens", Meaning::refused, "activated LoRA, which acts only from these tokens on", false},
    Field{"lora_bias", Meaning::refused, "a bias of lora_B"},
    Field{"trainable_token_indices", Meaning::refused, "tokens whose embeddings were trained"},
    Field{"target_parameters", Meaning::refused, "LoRA of parameters that are no Linear"},
    Field{"layer_replication", Meaning::refused, "a model in which layers are repeated"},
    Field{"use_qalora", Meaning::refused, "QALoRA, which pools the inputs of lora_A", false},
    Field{"use_bdlora", Meaning::refused, "BD-LoRA, which has block-diagonal matrices"},
    Field{"monteclora_config", Meaning::refused, "MonteCLoRA, which adds samples to the matrices"},
    Field{"arrow_config", Meaning::refused, "Arrow, which mixes several adapters", false},
    Field{"kasa_config", Meaning::refused, "KaSA, which cuts the base weights and scales between lora_A and lora_B"},
    Field{"megatron_config", Meaning::refused, "layers of Megatron", false},
    Field{"enable_lora", Meaning::refused, "LoRA of parts of a fused matrix"},  // of PEFT before 0.3
};

constexpr const char* kMergeInstead =
    "; load it with PEFT, merge it (merge_and_unload), and give the merged checkpoint as the model";

bool is_default(const OrderedJson& value) {
  const bool holds = value.is_structured() || value.is_string();
  return value.is_null() || value == OrderedJson(false) || (holds && value.empty()) || value == OrderedJson("");
}

/// A value as JSON. Of a long one, the beginning.
std::string shown(const OrderedJson& value) {
  constexpr std::size_t kMaximum = 80;
  if (value.is_string()) return to_string(in_quotes(value.get_ref<const std::string&>(), kMaximum));
  const std::string text = value.dump(-1, ' ', true, OrderedJson::error_handler_t::replace);
  return text.size() <= kMaximum ? text : text.substr(0, kMaximum) + "…";
}

/// The initialisation of the matrices does not matter after training, unless it changed the base weights, too. When
/// PEFT opens such an adapter, it changes the base again (PiSSA, OLoRA, LoftQ), cannot (CorDA), or does not (LoRA-GA).
void check_initialisation(const OrderedJson& value, const std::string& origin) {
  if (value.is_null() || value.is_boolean()) return;
  std::string name = value.is_string() ? value.get<std::string>() : "";
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array kLeaveTheBase = {"gaussian", "eva", "orthogonal", "mica"};
  if (std::ranges::find(kLeaveTheBase, name) != kLeaveTheBase.end()) return;
  constexpr std::array kChangeTheBase = {"pissa", "olora", "corda", "loftq", "lora_ga"};
  require<ModelError>(std::ranges::any_of(kChangeTheBase, [&](const char* known) { return name.starts_with(known); }),
                      "[{}] \"init_lora_weights\" is {}, which is not known: it may change the base weights", origin,
                      shown(value));
  const bool repeatable = name == "pissa" || name == "olora";  // PEFT changes the base to the same weights again
  fail<ModelError>(
      "[{}] \"init_lora_weights\" is {}: such an adapter belongs to base weights that its initialisation changed, and "
      "these are not the checkpoint's; save it by PEFT's save_pretrained with "
      "path_initial_model_for_weight_conversion{}",
      origin, shown(value), repeatable ? kMergeInstead : "");
}

void check_honoured(std::string_view name, const OrderedJson& value, const std::string& origin) {
  if (name == "init_lora_weights") return check_initialisation(value, origin);
  if (name != "peft_type" && name != "bias") return;
  const bool type = name == "peft_type";
  const OrderedJson expected = type ? "LORA" : "none";
  if (value.is_null() || value == expected) return;
  const std::string found = value.is_string() ? value.get<std::string>() : shown(value);
  require<ModelError>(!type, "[{}] peft_type is {}, only LORA is supported", origin, in_quotes(found));
  fail<ModelError>("[{}] trained biases (\"bias\": {}) are not supported{}", origin, in_quotes(found), kMergeInstead);
}

}  // namespace

void require_plain_lora(const OrderedJson& config, const std::string& origin) {
  for (const auto& [name, value] : config.items()) {
    const auto* const field = std::ranges::find(kFields, name, &Field::name);
    if (field == kFields.end()) {
      require<ModelError>(
          is_default(value),
          "[{}] {} is an unknown field, and its value {} is no default (null, false or empty): it may change what the "
          "adapter computes",
          origin, in_quotes(name), shown(value));
    } else if (field->meaning == Meaning::honoured) {
      check_honoured(name, value, origin);
    } else if (field->meaning == Meaning::refused) {
      require<ModelError>(is_default(value), "[{}] {} is not supported ({}){}", origin, name, field->what,
                          field->merges ? kMergeInstead : "");
    }
  }
}

}  // namespace e5v::model

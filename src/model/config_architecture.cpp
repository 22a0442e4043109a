#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "model/config_parts.h"

namespace e5v::model {
namespace {

/// The first name under "architectures"; empty when there is none.
std::string architecture(const Fields& fields) {
  const Json* names = fields.find("architectures");
  const bool named = names != nullptr && names->is_array() && !names->empty() && names->front().is_string();
  return named ? names->front().get<std::string>() : "";
}

/// The beginning of the names of transformers' classes ("Llama" in "LlamaModel"), and their model_type.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFamilies{
    {{"LlavaNext", "llava_next"}, {"Llama", "llama"}, {"Mistral", "mistral"}}};

/// The family of a class; nothing for a class that is not one of transformers'.
std::string_view family_of(std::string_view name) {
  constexpr std::array<std::string_view, 6> kHeads{"Model",
                                                   "ForConditionalGeneration",
                                                   "ForCausalLM",
                                                   "ForSequenceClassification",
                                                   "ForTokenClassification",
                                                   "ForQuestionAnswering"};
  for (const auto& [family, type] : kFamilies) {
    if (!name.starts_with(family)) continue;
    const std::string_view head = name.substr(family.size());
    if (std::find(kHeads.begin(), kHeads.end(), head) != kHeads.end()) return type;
  }
  return "";
}

}  // namespace

std::string model_type(const Fields& fields) {
  if (fields.has("model_type")) return fields.text("model_type", std::nullopt);
  return std::string(family_of(architecture(fields)));
}

void check_architecture(const Fields& fields) {
  const std::string found = architecture(fields);
  // Models with their own code keep the model_type of the model they began with, and attend or pool in other ways.
  require<ModelError>(
      found.empty() || !family_of(found).empty(),
      "[{}] \"architectures\": expected a class of transformers' Llama, Mistral or LLaVA-NeXT, found {}",
      fields.origin(), in_quotes(found));
}

void refuse_layers_that_differ(const Fields& fields) {
  const Json* layers = fields.find("per_layer_config");
  fields.check(layers == nullptr || layers->is_null() || *layers == Json::object(), "per_layer_config",
               "nothing (layers that differ are not supported)");
}

void refuse_other_decoders(const Fields& fields) {
  const Json* causal = fields.find("is_causal");
  fields.check(causal == nullptr || *causal == true, "is_causal",
               "true (attention in both directions is not supported)");
  refuse_layers_that_differ(fields);
}

}  // namespace e5v::model

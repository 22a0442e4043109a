#include "model/adapter_config.h"

#include <cmath>

namespace e5v::model {
namespace {

const OrderedJson& checked(const OrderedJson& json, const std::string& origin) {
  require<ModelError>(json.is_object(), "[{}] expected an object, found {}", origin, json.type_name());
  require_plain_lora(json, origin);
  return json;
}

}  // namespace

AdapterPatterns::AdapterPatterns(const OrderedJson& config, const char* name, const std::string& origin) {
  const auto patterns = json_value(config, name, OrderedJson::object(), origin);
  require<ModelError>(patterns.is_object(), "[{}] \"{}\" has an unexpected type: {}", origin, name,
                      patterns.type_name());
  require<ModelError>(patterns.size() <= kMaxAdapterPatterns, "[{}] \"{}\" has {} keys, more than the limit of {}",
                      origin, name, patterns.size(), kMaxAdapterPatterns);
  for (const auto& [key, value] : patterns.items()) {
    text::Regex fits(fmt::format(R"(\A(.*\.)?({})$)", key), fmt::format("[{}] a key of \"{}\"", origin, name));
    require<ModelError>(value.is_number(), "[{}] {} has an unexpected type: {}", origin, in_quotes(key),
                        value.type_name());
    entries_.push_back({std::move(fits), value.template get<double>()});
  }
}

std::optional<double> AdapterPatterns::find(std::string_view module) const {
  for (const Entry& entry : entries_) {
    if (!entry.fits.find_all(module).empty()) return entry.value;
  }
  return std::nullopt;
}

AdapterConfig::AdapterConfig(const OrderedJson& json, std::string origin)
    : origin_(std::move(origin)),
      rank_(json_value<std::int64_t>(checked(json, origin_), "r", 8, origin_)),
      alpha_(json_value<double>(json, "lora_alpha", 8, origin_)),
      dropout_(json_value<double>(json, "lora_dropout", 0, origin_)),
      rslora_(json_value(json, "use_rslora", false, origin_)),
      targets_(json, origin_),
      ranks_(json, "rank_pattern", origin_),
      alphas_(json, "alpha_pattern", origin_) {}

std::int64_t AdapterConfig::rank_of(std::string_view module) const {
  const double rank = ranks_.find(module).value_or(static_cast<double>(rank_));
  constexpr double kMaximum = 1 << 30;  // no matrix is so wide
  require<ModelError>(rank > 0 && rank <= kMaximum && rank == std::floor(rank),
                      "[{}] rank {} is not positive, or no whole number", origin_, rank);
  return static_cast<std::int64_t>(rank);
}

float AdapterConfig::scale_of(std::string_view module) const {
  const auto rank = static_cast<double>(rank_of(module));
  const double alpha = alphas_.find(module).value_or(alpha_);
  const auto scale = static_cast<float>(alpha / (rslora_ ? std::sqrt(rank) : rank));
  require<ModelError>(std::isfinite(scale), "[{}] lora_alpha {} is too large", origin_, alpha);
  return scale;
}

}  // namespace e5v::model

#include "model/adapter_targets.h"

#include <algorithm>
#include <charconv>

namespace e5v::model {
namespace {

const OrderedJson* given(const OrderedJson& config, const char* key) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? nullptr : &*found;
}

/// A list from a value or a list of values; nothing when the key is absent, null or empty.
template <class T>
std::vector<T> one_or_many(const OrderedJson& config, const char* key, const std::string& origin) {
  const OrderedJson* found = given(config, key);
  if (found == nullptr) return {};
  if (!found->is_array()) return {json_as<T>(*found, key, origin)};
  require<ModelError>(found->size() <= kMaxAdapterPatterns, "[{}] \"{}\" has {} entries, more than the limit of {}",
                      origin, key, found->size(), kMaxAdapterPatterns);
  std::vector<T> items;
  for (const OrderedJson& item : *found) items.push_back(json_as<T>(item, key, origin));
  return items;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return text;
}

std::optional<std::int64_t> number(std::string_view digits) {
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value);
  return digits.empty() || digits.front() == '-' || error != std::errc() || at != end ? std::nullopt
                                                                                      : std::optional(value);
}

/// The first number between dots in a module's name after two other parts: the 3 of "model.layers.3.mlp".
std::optional<std::int64_t> first_number(std::string_view module) {
  std::size_t begin = 0;
  for (int part = 0;; ++part) {
    const std::size_t end = module.find('.', begin);
    if (end == std::string_view::npos) return std::nullopt;
    if (const auto found = number(module.substr(begin, end - begin)); found && part >= 2) return found;
    begin = end + 1;
  }
}

}  // namespace

bool AdapterTargets::Names::match(std::string_view module) const {
  if (pattern) return !pattern->find_all(module).empty();
  return std::ranges::any_of(listed, [&](const std::string& name) {
    return module == name ||
           (module.ends_with(name) && module.size() > name.size() && module[module.size() - name.size() - 1] == '.');
  });
}

AdapterTargets::Names AdapterTargets::names(const OrderedJson& config, const char* key, const std::string& origin) {
  Names result;
  const OrderedJson* found = given(config, key);
  if (found == nullptr) return result;
  if (!found->is_string()) {
    result.listed = one_or_many<std::string>(config, key, origin);
  } else if (const auto text = found->get<std::string>(); !text.empty()) {
    result.pattern.emplace(fmt::format(R"(\A(?:{})\z)", text), fmt::format("[{}] \"{}\"", origin, key));
  }
  return result;
}

AdapterTargets::AdapterTargets(const OrderedJson& config, const std::string& origin)
    : excluded_(names(config, "exclude_modules", origin)),
      layers_(one_or_many<std::int64_t>(config, "layers_to_transform", origin)) {
  const OrderedJson* targets = given(config, "target_modules");
  all_linear_ = targets != nullptr && targets->is_string() && lower(targets->get<std::string>()) == "all-linear";
  if (targets == nullptr) {
    targets_.listed = {"q_proj", "v_proj"};
  } else if (!all_linear_) {
    targets_ = names(config, "target_modules", origin);
  }
  require<ModelError>(layers_.empty() || targets == nullptr || targets->is_array(),
                      "[{}] layers_to_transform needs a target_modules that is a list, not a pattern", origin);
  for (const std::string& pattern : one_or_many<std::string>(config, "layers_pattern", origin)) {
    if (pattern.empty()) continue;
    layer_patterns_.emplace_back(fmt::format(R"(\A(?:^|.*?\.){}\.\d+\.)", pattern),
                                 fmt::format("[{}] \"layers_pattern\"", origin));
  }
}

std::optional<std::int64_t> AdapterTargets::layer_of(std::string_view module) const {
  if (layer_patterns_.empty()) return first_number(module);
  for (const text::Regex& pattern : layer_patterns_) {
    const std::vector<text::Span> spans = pattern.find_all(module);
    if (spans.empty() || spans.front().end == 0) continue;
    const std::string_view found = module.substr(0, spans.front().end - 1);  // ends with the number
    return number(found.substr(found.rfind('.') + 1));
  }
  return std::nullopt;
}

bool AdapterTargets::include(std::string_view module) const {
  if (excluded_.match(module)) return false;
  if (all_linear_) return module != "lm_head" && !module.ends_with(".lm_head");
  if (!targets_.match(module)) return false;
  if (layers_.empty()) return true;
  const std::optional<std::int64_t> layer = layer_of(module);
  return layer && std::ranges::find(layers_, *layer) != layers_.end();
}

}  // namespace e5v::model

#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/adapter_targets.h"
#include "text/regex.h"

namespace e5v::model {

/// Throws ModelError, which begins with `origin`, for the first field of an adapter_config.json that is not supported:
/// with its value PEFT computes other vectors than W x + scale B A x, or it is unknown and its value is no default
/// (null, false, empty). The table in adapter_fields.cpp says what each field of PEFT's LoraConfig means here.
void require_plain_lora(const OrderedJson& config, const std::string& origin);

/// rank_pattern or alpha_pattern: values of modules that replace "r" or "lora_alpha".
class AdapterPatterns {
 public:
  AdapterPatterns(const OrderedJson& config, const char* name, const std::string& origin);

  /// The value under the first key that matches the module's name, or the end of the name after a dot. As in PEFT, keys
  /// are regular expressions, and a key without a module is ignored. Source: PEFT, get_pattern_key.
  std::optional<double> find(std::string_view module) const;

 private:
  struct Entry {
    text::Regex fits;
    double value;
  };
  std::vector<Entry> entries_;
};

/// An adapter_config.json, as far as it decides what an adapter adds. Modules have their names in the adapter's file.
class AdapterConfig {
 public:
  /// Throws ModelError like require_plain_lora, and for values of other types than PEFT takes.
  AdapterConfig(const OrderedJson& json, std::string origin);

  std::int64_t rank() const { return rank_; }
  double alpha() const { return alpha_; }
  double dropout() const { return dropout_; }
  bool targets(std::string_view module) const { return targets_.include(module); }

  /// The rank of a module. Throws ModelError when it is not a positive whole number.
  std::int64_t rank_of(std::string_view module) const;
  /// The scale alpha / r, or alpha / sqrt(r). Throws ModelError when it is not finite.
  float scale_of(std::string_view module) const;

 private:
  std::string origin_;
  std::int64_t rank_;
  double alpha_, dropout_;
  bool rslora_;
  AdapterTargets targets_;
  AdapterPatterns ranks_, alphas_;
};

}  // namespace e5v::model

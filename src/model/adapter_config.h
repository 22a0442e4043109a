#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/adapter_targets.h"
#include "text/regex.h"

namespace e5v::model {

/// Throws ModelError, led by `origin`, that names the first field of an adapter_config.json with which PEFT computes
/// other vectors than W x + scale B A x, or which is not known and has a value that is not a default (null, false,
/// empty). The table in adapter_fields.cpp says what each field of PEFT's LoraConfig means here.
void require_plain_lora(const OrderedJson& config, const std::string& origin);

/// rank_pattern or alpha_pattern: what modules have instead of "r" or "lora_alpha".
class AdapterPatterns {
 public:
  AdapterPatterns(const OrderedJson& config, const char* name, const std::string& origin);

  /// The value under the first key that matches the module's name, or its end behind a dot. As in PEFT, keys are
  /// regular expressions, and one that no module has is passed over. Source: PEFT, get_pattern_key.
  std::optional<double> find(std::string_view module) const;

 private:
  struct Entry {
    text::Regex fits;
    double value;
  };
  std::vector<Entry> entries_;
};

/// An adapter_config.json, as far as it decides what an adapter adds. Modules go by the names of the adapter's file.
class AdapterConfig {
 public:
  /// Throws ModelError as require_plain_lora does, and for values of other types than PEFT takes.
  AdapterConfig(const OrderedJson& json, std::string origin);

  std::int64_t rank() const { return rank_; }
  double alpha() const { return alpha_; }
  double dropout() const { return dropout_; }
  bool targets(std::string_view module) const { return targets_.include(module); }

  /// Throws ModelError when it is not positive or no whole number.
  std::int64_t rank_of(std::string_view module) const;
  /// alpha / r, or alpha / sqrt(r). Throws ModelError when it is no finite number.
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

#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/regex.h"

namespace e5v::model {

/// The maximum number of entries of a list or table in an adapter_config.json.
inline constexpr std::size_t kMaxAdapterPatterns = 4096;

/// The modules that PEFT adapts with an adapter_config.json: those of target_modules without those of exclude_modules,
/// in the layers of layers_to_transform, which layers_pattern finds. Names are those of the file without
/// "base_model.model.". Source: PEFT 0.21.2, check_target_module_exists.
class AdapterTargets {
 public:
  /// Throws ModelError, which begins with `origin`, for other types than PEFT takes. Without target_modules they are
  /// q_proj and v_proj, which are PEFT's defaults for Llama and Mistral.
  AdapterTargets(const OrderedJson& config, const std::string& origin);

  bool include(std::string_view module) const;

 private:
  /// A list of names (or of their ends after a dot), or one regular expression for whole names.
  struct Names {
    std::vector<std::string> listed;
    std::optional<text::Regex> pattern;
    bool match(std::string_view module) const;
  };
  static Names names(const OrderedJson& config, const char* key, const std::string& origin);
  std::optional<std::int64_t> layer_of(std::string_view module) const;

  Names targets_, excluded_;
  bool all_linear_ = false;
  std::vector<std::int64_t> layers_;         // none: all
  std::vector<text::Regex> layer_patterns_;  // none: the first number after two names
};

}  // namespace e5v::model

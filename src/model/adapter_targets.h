#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/regex.h"

namespace e5v::model {

/// Entries that a list or table of an adapter_config.json may have.
inline constexpr std::size_t kMostAdapterPatterns = 4096;

/// The modules that PEFT adapts by an adapter_config.json: those of target_modules, without those of exclude_modules,
/// in the layers of layers_to_transform, as layers_pattern finds them. Names are those of the file, without
/// "base_model.model.". Source: PEFT 0.21.2, check_target_module_exists.
class AdapterTargets {
 public:
  /// Throws ModelError led by `origin` for other types than PEFT takes. Without target_modules they are q_proj and
  /// v_proj, as PEFT has it for Llama and Mistral.
  AdapterTargets(const OrderedJson& config, const std::string& origin);

  bool include(std::string_view module) const;

 private:
  /// A list of names or their ends behind a dot, or one regular expression of whole names.
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

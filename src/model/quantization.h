#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/config_fields.h"
#include "text/regex.h"

namespace e5v::model {

/// The rounding of numbers, which compressed-tensors calls QuantizationArgs.
struct RoundingArgs {
  enum class Span { tensor, channel, group, block, token };  ///< the numbers that share a scale
  Span span = Span::channel;
  int bits = 8;
  bool floating = false;                ///< e4m3 instead of whole numbers
  bool symmetric = true;                ///< without zero points
  bool dynamic = false;                 ///< scales are computed for each input
  std::int64_t group = 0;               ///< columns of a group
  std::array<std::int64_t, 2> block{};  ///< rows and columns of a block
};

/// The quantisation of some modules: a member of "config_groups".
struct QuantizedGroup {
  std::string name;
  RoundingArgs weights;
  std::optional<RoundingArgs> inputs;
};

/// The "quantization_config" of a config.json: which modules are quantised, and how. Its keys are those of
/// compressed-tensors 0.20.1, and of bitsandbytes as transformers 5.24 reads them.
class Quantization {
 public:
  enum class Method { none, compressed_tensors, bitsandbytes };

  /// Reads it from a whole config.json. Without one the method is Method::none. Throws ModelError, which names the key,
  /// for everything that changes the arithmetic and is not supported, and for unknown keys.
  static Quantization from(const Fields& config);

  Method method() const { return method_; }
  /// Whether weights are decoded when the model is loaded. Inputs are then not rounded.
  bool dequantizes() const { return dequantizes_; }
  /// A text that differs for different configs of the same tensors.
  const std::string& text() const { return text_; }
  /// The group of a module, by any of its names; null when it stays plain. Names in targets come before patterns, and
  /// patterns before the module's class, "Linear" or "Embedding".
  const QuantizedGroup* group_of(std::span<const std::string> module_names, std::string_view module_class) const;

 private:
  /// A name, a pattern ("re:..."), or a class.
  struct Target {
    std::string text;
    std::optional<text::Regex> pattern;
    std::size_t group = 0;

    Target(const std::string& given, std::size_t of, const std::string& where);
    bool matches(std::span<const std::string> names) const;
  };
  void read_compressed_tensors(const Fields& fields);
  void add_group(const Fields& group, const std::string& name);

  Method method_ = Method::none;
  bool dequantizes_ = false;
  std::string text_;
  std::vector<QuantizedGroup> groups_;
  std::map<std::pair<bool, std::string>, Target> targets_;  // patterns last, otherwise by their text
  std::vector<Target> ignored_;
};

/// Reads a member of a group: "weights", "input_activations". Throws ModelError, which names the key.
RoundingArgs parse_weight_rounding(const Fields& args);
RoundingArgs parse_input_rounding(const Fields& args);

/// Throws ModelError for a key that is not in `known` and has a value.
void refuse_unknown(const Fields& fields, std::span<const std::string_view> known);

}  // namespace e5v::model

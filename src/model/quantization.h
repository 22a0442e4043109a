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

/// How numbers are rounded: what compressed-tensors calls QuantizationArgs.
struct RoundingArgs {
  enum class Span { tensor, channel, group, block, token };  ///< what shares a scale
  Span span = Span::channel;
  int bits = 8;
  bool floating = false;                ///< e4m3 instead of whole numbers
  bool symmetric = true;                ///< without zero points
  bool dynamic = false;                 ///< scales are those of the rows at hand
  std::int64_t group = 0;               ///< columns of a group
  std::array<std::int64_t, 2> block{};  ///< rows and columns of a block
};

/// What some modules are quantised by: a member of "config_groups".
struct QuantizedGroup {
  std::string name;
  RoundingArgs weights;
  std::optional<RoundingArgs> inputs;
};

/// The "quantization_config" of a config.json: which modules are quantised, and how. Its keys are those of
/// compressed-tensors 0.20.1 and of bitsandbytes as transformers 5.24 reads them.
class Quantization {
 public:
  enum class Method { none, compressed_tensors, bitsandbytes };

  /// Reads it from a whole config.json; Method::none without one. Throws ModelError that names the key, for whatever
  /// changes the arithmetic and is not supported, and for keys that are not known.
  static Quantization from(const Fields& config);

  Method method() const { return method_; }
  /// Whether weights are turned back into plain ones when the model is loaded, which leaves inputs as they are.
  bool dequantizes() const { return dequantizes_; }
  /// What tells configs apart whose tensors are the same.
  const std::string& text() const { return text_; }
  /// The group that a module belongs to, under any of its names; none when it is left plain. Names that targets spell
  /// out come before patterns, and these before the module's class, "Linear" or "Embedding".
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

/// The members of a group: "weights", "input_activations". Throws ModelError that names the key.
RoundingArgs parse_weight_rounding(const Fields& args);
RoundingArgs parse_input_rounding(const Fields& args);

/// Throws ModelError for a key that is not among `known` and is set to something.
void refuse_unknown(const Fields& fields, std::span<const std::string_view> known);

}  // namespace e5v::model

#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace e5v::text {

/// A part of a text, in bytes, and whether a pattern matched it.
struct Span {
  std::size_t begin = 0, end = 0;
  bool is_match = false;
};

/// A regular expression of a tokenizer.json, run by PCRE2 with UTF and Unicode properties. Immutable, so one object may
/// serve many threads. These files are written for Oniguruma; where the two engines give an escape another meaning (\s,
/// \w, \h, and their complements), the escape is replaced by the class that Oniguruma means. Characters
/// younger than PCRE2's Unicode version (14 in PCRE2 10.42) count as unassigned. Python's expressions for the names of
/// modules, in adapter_config.json, mean the same here.
class Regex {
 public:
  /// `where` leads the message of the ModelError thrown when the pattern does not compile or uses a feature that the
  /// engines do not share.
  Regex(std::string_view pattern, std::string_view where);

  /// All matches in well-formed UTF-8, leftmost first, without overlap; an empty match directly behind another is left
  /// out. Throws InvalidInput when the text takes more steps or memory than the engine's limits.
  std::vector<Span> find_all(std::string_view text) const;

 private:
  std::shared_ptr<const pcre2_real_code_8> code_;
  std::string where_;
};

/// The pattern in PCRE2's dialect. Exposed for tests.
std::string translate_oniguruma(std::string_view pattern, std::string_view where);

}  // namespace e5v::text

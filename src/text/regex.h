#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace e5v::text {

/// A part of a text in bytes, and whether a pattern matched it.
struct Span {
  std::size_t begin = 0, end = 0;
  bool is_match = false;
};

/// A regular expression of a tokenizer.json, run by PCRE2 with UTF and Unicode properties. Immutable, so several
/// threads may use it. These files are written for Oniguruma. Where an escape has another meaning in the two engines
/// (\s, \w, \h, and their complements), it is replaced by Oniguruma's class. Characters newer than PCRE2's Unicode
/// version (14 in PCRE2 10.42) count as unassigned. Python's expressions for names of modules, in adapter_config.json,
/// have the same meaning here.
class Regex {
 public:
  /// Throws ModelError, which begins with `where`, when the pattern does not compile or uses a feature that the engines
  /// do not share.
  Regex(std::string_view pattern, std::string_view where);

  /// All matches in well-formed UTF-8, leftmost first, without overlap. An empty match directly after another match is
  /// left out. Throws InvalidInput when the text needs more steps or memory than the engine's limits.
  std::vector<Span> find_all(std::string_view text) const;

 private:
  std::shared_ptr<const pcre2_real_code_8> code_;
  std::string where_;
};

/// The pattern in PCRE2's dialect. Public for tests.
std::string translate_oniguruma(std::string_view pattern, std::string_view where);

}  // namespace e5v::text

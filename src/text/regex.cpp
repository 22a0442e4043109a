#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <new>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "text/section.h"

namespace e5v::text {
namespace {

constexpr std::size_t kLongestPattern = 1 << 16;
constexpr std::uint32_t kMatchLimit = 10'000'000;       // backtracking steps of one match
constexpr std::uint32_t kHeapLimitKibibytes = 1 << 18;  // memory of one match without JIT

struct Free {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};

template <class T>
std::unique_ptr<T, Free> owned(T* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return std::unique_ptr<T, Free>(pointer);
}

std::string error_text(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

PCRE2_SPTR units(std::string_view text) {
  // An empty view may hold a null pointer, which PCRE2 refuses.
  return reinterpret_cast<PCRE2_SPTR>(text.empty() ? "" : text.data());
}

/// True when the text, not the pattern, exceeds the limits of a match.
bool is_limit(int code) {
  return code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT || code == PCRE2_ERROR_HEAPLIMIT ||
         code == PCRE2_ERROR_JIT_STACKLIMIT;
}

std::shared_ptr<const pcre2_code> compile(std::string_view pattern, std::string_view written, std::string_view where) {
  const auto context = owned(pcre2_compile_context_create(nullptr));
  pcre2_set_max_pattern_length(context.get(), 2 * kLongestPattern);
  // ^ and $ match at lines, as in Oniguruma. \C would match half a character.
  constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(units(pattern), pattern.size(), kOptions, &error, &offset, context.get());
  require<ModelError>(code != nullptr, "{} is {}, no usable regular expression: {}", where, shown(written),
                      code == nullptr ? error_text(error) : "");
  // Without JIT (an unusual processor, no executable memory) the interpreter finds the same matches.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return {code, [](const pcre2_code* pointer) { pcre2_code_free(const_cast<pcre2_code*>(pointer)); }};
}

/// The class that \<letter> means in Oniguruma, without brackets; nothing when PCRE2 means the same. The letter of a
/// complement is given in lower case.
std::string_view oniguruma_class(char letter) {
  switch (letter) {
    case 's': return "\\p{White_Space}";  // PCRE2's \s has U+180E, too
    case 'w': return "\\p{L}\\p{M}\\p{N}\\p{Pc}";
    case 'h': return "0-9A-Fa-f";  // PCRE2's \h is horizontal space
    default: return "";
  }
}

/// \<letter> in PCRE2's dialect; nothing when PCRE2 cannot express it.
std::optional<std::string> translate_escape(char letter, bool in_class) {
  const bool complement = letter == 'S' || letter == 'W' || letter == 'H';
  const std::string_view members = oniguruma_class(complement ? static_cast<char>(letter + 'a' - 'A') : letter);
  if (members.empty()) return std::string{'\\', letter};
  if (letter == 'S') return "\\P{White_Space}";
  if (letter == 's' || (in_class && !complement)) return std::string(members);
  if (in_class) return std::nullopt;
  return fmt::format("[{}{}]", complement ? "^" : "", members);
}

/// The length of a bracket expression's beginning at `rest`, in bytes: [, a complement's ^, and a literal ].
std::size_t class_opening(std::string_view rest) {
  const std::size_t caret = rest.starts_with("[^") ? 2 : 1;
  return rest.substr(caret).starts_with(']') ? caret + 1 : caret;
}

}  // namespace

std::string translate_oniguruma(std::string_view pattern, std::string_view where) {
  std::string out;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::string_view rest = pattern.substr(at);
    std::size_t taken = 1;
    if (rest.size() > 1 && rest[0] == '\\') {
      const auto escape = translate_escape(rest[1], in_class);
      require<ModelError>(escape.has_value(), "{} is {}: \\{} inside a class is not supported", where, shown(pattern),
                          rest[1]);
      out.append(*escape);
      at += 2;
      continue;
    }
    if (in_class && rest.starts_with("[:")) {  // a POSIX class, inside the brackets of the class around it
      const std::size_t end = rest.find(":]");
      taken = end == std::string_view::npos ? rest.size() : end + 2;
    } else if (in_class) {
      require<ModelError>(rest[0] != '[' && !rest.starts_with("&&"), "{} is {}: nested classes are not supported",
                          where, shown(pattern));
      in_class = rest[0] != ']';
    } else if (rest[0] == '[') {
      in_class = true;
      taken = class_opening(rest);
    }
    out.append(rest.substr(0, taken));
    at += taken;
  }
  return out;
}

Regex::Regex(std::string_view pattern, std::string_view where) : where_(where) {
  require<ModelError>(pattern.size() <= kLongestPattern, "{} has {} bytes, more than the limit of {}", where,
                      pattern.size(), kLongestPattern);
  code_ = compile(translate_oniguruma(pattern, where), pattern, where);
}

std::vector<Span> Regex::find_all(std::string_view text) const {
  const auto data = owned(pcre2_match_data_create(1, nullptr));
  const auto context = owned(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKibibytes);
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
  std::vector<Span> matches;
  std::size_t from = 0;
  while (from <= text.size()) {
    const auto match = [&](std::uint32_t options) {
      return pcre2_match(code_.get(), units(text), text.size(), from, options, data.get(), context.get());
    };
    int result = match(PCRE2_NO_UTF_CHECK);
    // Compiled code has a small fixed stack; the interpreter takes its memory from the heap.
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    if (result == PCRE2_ERROR_NOMATCH) break;
    require(!is_limit(result), "[regex] a text of {} bytes is too much for {}: {}", text.size(), where_,
            error_text(result));
    require<ModelError>(result >= 0, "{} cannot be matched against a text of {} bytes: {}", where_, text.size(),
                        error_text(result));
    const Span found{range[0], range[1], true};
    // \K in an assertion can move the start of a match anywhere.
    require<ModelError>(found.begin >= from && found.begin <= found.end, "{} matches backwards", where_);
    const bool repeats = found.begin == found.end && !matches.empty() && matches.back().end == found.end;
    if (!repeats) {
      matches.push_back(found);
      from = found.end;
    } else {
      from = found.end + (found.end < text.size() ? code_point_at(text, found.end).length : 1);
    }
  }
  return matches;
}

}  // namespace e5v::text

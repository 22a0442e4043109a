#include "base/json.h"

#include <algorithm>

#include "base/file.h"

namespace e5v {
namespace {

/// The maximum size in bytes of the reason why a text is not JSON.
constexpr std::size_t kMaxReason = 300;

void require_shallow(int levels, std::string_view origin) {
  require(levels <= kMaxJsonLevels, "[{}] is nested too deeply: more than {} objects and arrays inside each other",
          origin, kMaxJsonLevels);
}

/// Objects and arrays that stand inside each other where a text is nested deepest. What is no JSON has the levels that
/// the parser gets to before it finds out, or more.
int levels_of(std::string_view text) {
  int level = 0, most = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      in_string = !in_string;
    } else if (in_string) {
      if (c == '\\') ++i;
    } else if (c == '[' || c == '{') {
      most = std::max(most, ++level);
    } else if (c == ']' || c == '}') {
      --level;
    }
  }
  return most;
}

template <class Document>
Document parse(std::string_view text, std::string_view origin, const typename Document::parser_callback_t& keep) {
  // The parser takes a NUL for the end of the text, and would not look at what follows.
  require(text.find('\0') == std::string_view::npos, "[{}] is not JSON: it holds a NUL byte", origin);
  try {
    return Document::parse(text, keep);
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without the library's own prefix.
    std::string_view reason = error.what();
    if (const auto prefix = reason.find("] "); prefix != std::string_view::npos) reason.remove_prefix(prefix + 2);
    // It ends with what was read of a value, which may be as long as the text.
    if (reason.size() > kMaxReason) reason = reason.substr(0, std::min(kMaxReason, reason.find("; last read: ")));
    fail<InvalidInput>("[{}] is not JSON: {}", origin, reason);
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view origin, const Json::parser_callback_t& keep) {
  if (!keep) {
    // Not by a callback: with one, the parser looks after each object through all objects before it.
    require_shallow(levels_of(text), origin);
    return parse<Json>(text, origin, nullptr);
  }
  return parse<Json>(text, origin, [&](int depth, Json::parse_event_t event, Json& value) {
    const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    require_shallow(opens ? depth + 1 : depth, origin);
    return keep(depth, event, value);
  });
}

OrderedJson parse_ordered_json(std::string_view text, std::string_view origin) {
  require_shallow(levels_of(text), origin);
  return parse<OrderedJson>(text, origin, nullptr);
}

Json read_json(const std::filesystem::path& path) { return parse_json(read_file(path), path.string()); }

}  // namespace e5v

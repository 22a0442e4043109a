#include "base/json.h"

#include "base/file.h"

namespace e5v {

Json parse_json(std::string_view text, std::string_view origin, const Json::parser_callback_t& keep) {
  // The parser takes a NUL for the end of the text, and would not look at what follows.
  require(text.find('\0') == std::string_view::npos, "[{}] is not JSON: it holds a NUL byte", origin);
  try {
    return Json::parse(text, keep);
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without the library's own prefix.
    std::string_view reason = error.what();
    if (const auto prefix = reason.find("] "); prefix != std::string_view::npos) reason.remove_prefix(prefix + 2);
    fail<InvalidInput>("[{}] is not JSON: {}", origin, reason);
  }
}

Json read_json(const std::filesystem::path& path) { return parse_json(read_file(path), path.string()); }

}  // namespace e5v

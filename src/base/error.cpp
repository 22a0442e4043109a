#include "base/error.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/file.h"

namespace e5v {
namespace {

/// Bytes of the well-formed character at the start of the text, or 0 when there is none.
std::size_t character_length(std::string_view text) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length) {
    if (is_valid_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string to_string(const Quoted& quoted) {
  std::string result = "\"";
  const std::string_view text = quoted.text;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = character_length(text.substr(i));
    if (i + std::max<std::size_t>(length, 1) > quoted.max_bytes) break;
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      result += {'\\', text[i++]};
    } else if (length == 0 || byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
      ++i;
    } else {
      result += text.substr(i, length);
      i += length;
    }
  }
  return result + (i < text.size() ? "...\"" : "\"");
}

std::string system_error_text() { return std::error_code(errno, std::generic_category()).message(); }

}  // namespace e5v

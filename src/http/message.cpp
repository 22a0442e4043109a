#include "http/message.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"

namespace e5v::http {
namespace {

std::optional<int> hexadecimal_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return std::nullopt;
}

std::string decoded(std::string_view text, bool plus_is_blank) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto high = text[i] == '%' && i + 2 < text.size() ? hexadecimal_digit(text[i + 1]) : std::nullopt;
    const auto low = high ? hexadecimal_digit(text[i + 2]) : std::nullopt;
    if (low) {
      result += static_cast<char>(*high * 16 + *low);
      i += 2;
    } else {
      result += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

}  // namespace

std::string_view Fields::find(std::string_view name) const {
  const auto found =
      std::find_if(begin(), end(), [&](const auto& field) { return equals_ignoring_case(field.first, name); });
  return found == end() ? std::string_view() : std::string_view(found->second);
}

std::string media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return ascii_lower(type);
}

std::string percent_decoded(std::string_view text) { return decoded(text, false); }

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (decoded(pair.substr(0, equals), true) != key) continue;
    return equals == std::string_view::npos ? std::string() : decoded(pair.substr(equals + 1), true);
  }
  return std::nullopt;
}

}  // namespace e5v::http

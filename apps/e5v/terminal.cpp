#include "terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cwchar>

#include "base/utf8.h"

namespace e5v::app {
namespace {

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029; }

int character_width(char32_t c) { return std::max(0, ::wcwidth(static_cast<wchar_t>(c))); }

}  // namespace

int terminal_columns(int descriptor) {
  winsize size{};
  if (::isatty(descriptor) != 1 || ::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col > 0 ? size.ws_col : 80;
}

int display_width(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  int width = 0;
  for (std::size_t at = 0; at < valid.size();) {
    const CodePoint point = code_point_at(valid, at);
    width += is_control(point.value) ? 1 : character_width(point.value);
    at += point.length;
  }
  return width;
}

std::string fitted(std::string_view text, int width) {
  const std::string valid = to_valid_utf8(text);
  const bool cut = display_width(valid) > width;
  const int room = cut ? width - 1 : width;
  std::string result;
  int used = 0;
  for (std::size_t at = 0; at < valid.size();) {
    const CodePoint point = code_point_at(valid, at);
    const bool control = is_control(point.value);
    const int columns = control ? 1 : character_width(point.value);
    if (used + columns > room) break;
    if (control) {
      result += ' ';
    } else {
      result.append(valid, at, point.length);
    }
    used += columns;
    at += point.length;
  }
  if (cut && width > 0) {
    result += "…";
    ++used;
  }
  return result.append(static_cast<std::size_t>(std::max(0, width - used)), ' ');
}

std::string one_line(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  std::string result;
  for (std::size_t at = 0; at < valid.size();) {
    const CodePoint point = code_point_at(valid, at);
    if (point.value == '\n') {
      result += "\\n";
    } else if (is_control(point.value)) {
      result += fmt::format("\\u{{{:x}}}", static_cast<unsigned>(point.value));
    } else {
      result.append(valid, at, point.length);
    }
    at += point.length;
  }
  return result;
}

std::string wrapped(std::string_view text, int width, int indent) {
  std::string result;
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!result.empty()) result += '\n' + (line.empty() ? "" : margin);
    if (line.starts_with(' ')) {
      result += line;
      continue;
    }
    int used = indent;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t blank = std::min(line.find(' ', at), line.size());
      const std::string_view word = line.substr(at, blank - at);
      at = blank + 1;
      const int columns = display_width(word);
      if (used > indent && used + 1 + columns > width) {
        result += '\n' + margin;
        used = indent;
      }
      if (used > indent) {
        result += ' ';
        ++used;
      }
      result += word;
      used += columns;
    }
  }
  return result;
}

}  // namespace e5v::app

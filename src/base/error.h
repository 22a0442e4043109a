#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "e5v/error.h"

namespace e5v {

/// Throws E with a formatted message: fail<ModelError>("[{}] tensor {} is missing", path, name).
template <class E, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

/// Throws E with a formatted message unless the condition holds.
template <class E = InvalidInput, class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]]
    fail<E>(format, std::forward<Args>(args)...);
}

/// A text as messages repeat it: in quotes, on one line, at most `max_bytes` bytes of it, and whatever is no printable
/// UTF-8 as \xNN. Borrows the text until the message is made.
struct Quoted {
  std::string_view text;
  std::size_t max_bytes;
};
inline Quoted in_quotes(std::string_view text, std::size_t max_bytes = 200) { return {text, max_bytes}; }
std::string to_string(const Quoted& text);

/// The operating system's words for errno, for messages.
std::string system_error_text();

}  // namespace e5v

template <>
struct fmt::formatter<e5v::Quoted> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const e5v::Quoted& quoted, Context& context) const {
    return fmt::formatter<std::string_view>::format(to_string(quoted), context);
  }
};

#pragma once
#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace e5v {

/// Severity of what reaches stderr. The library says nothing below the level set (warning unless changed).
enum class LogLevel { debug, info, warning, silent };

void set_log_level(LogLevel level);

namespace detail {
void log_line(LogLevel level, std::string_view line);
void write_to_stderr(std::string_view text);
}  // namespace detail

/// What a program tells its user on stderr, as it is. It is no error when the reader of stderr has gone.
template <class... Args>
void tell(fmt::format_string<Args...> format, Args&&... args) {
  detail::write_to_stderr(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  detail::log_line(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  detail::log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  detail::log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace e5v

#pragma once
#include <fmt/format.h>

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

/// The operating system's words for errno, for messages.
std::string system_error_text();

}  // namespace e5v

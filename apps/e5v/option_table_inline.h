#pragma once
#include <fmt/format.h>

#include "option_table.h"

namespace e5v::app {

template <class T>
std::string problem_of_number(const std::string& text, const char* kind, T minimum, T maximum) {
  T parsed = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, parsed);
  if (result.ec == std::errc() && result.ptr == end && parsed >= minimum && parsed <= maximum) return "";
  return fmt::format("expected a {} from {} to {}, found {}", kind, minimum, maximum, text.empty() ? "nothing" : text);
}

namespace detail {

template <class T>
OptionField number(T& value, const char* kind, std::string takes, T minimum, T maximum) {
  const auto add = [&value](CLI::App& command, const std::string& name, const std::string& description) {
    return command.add_option(name, value, description);
  };
  const auto problem = [=](const std::string& text) { return problem_of_number(text, kind, minimum, maximum); };
  return {add, std::move(takes), value < minimum ? "" : fmt::format("{}", value), problem};
}

}  // namespace detail

template <std::integral T>
OptionField whole(T& value, std::type_identity_t<T> minimum, std::type_identity_t<T> maximum) {
  return detail::number<T>(value, "whole number", "N", minimum, maximum);
}

template <std::floating_point T>
OptionField real(T& value, std::type_identity_t<T> minimum, std::type_identity_t<T> maximum) {
  return detail::number<T>(value, "number", "X", minimum, maximum);
}

template <class T>
OptionField choice(T& value, std::vector<std::pair<std::string, T>> choices, std::string takes) {
  std::vector<std::string> names;
  std::string default_value;
  for (const auto& [name, meaning] : choices) {
    names.push_back(name);
    if (meaning == value) default_value = name;
  }
  const auto set = [&value, choices](const std::string& given) {
    for (const auto& [name, meaning] : choices)
      if (name == given) value = meaning;
  };
  const auto add = [set](CLI::App& command, const std::string& name, const std::string& description) {
    return command.add_option_function<std::string>(name, set, description);
  };
  const auto problem = [names](const std::string& given) { return problem_of_choice(given, names); };
  return {add, std::move(takes), default_value, problem};
}

}  // namespace e5v::app

#include "serve/object_reader.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "serve/refusal.h"

namespace e5v::serve {

constexpr std::size_t kShown = 60;

std::string found_text(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  if (value.is_string()) return fmt::format("{}", in_quotes(value.get_ref<const std::string&>(), kShown));
  return value.dump();
}

std::optional<std::int64_t> whole_number(const Json& value) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) > kExact) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

const std::string& text_of(const Json& value, const std::string& name) {
  if (!value.is_string()) refuse_field(name, "expected a string, found {}", found_text(value));
  return value.get_ref<const std::string&>();
}

ObjectReader::ObjectReader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object())
    refuse_field(path_.empty() ? "body" : path_, "expected an object, found {}", found_text(object));
}

const Json* ObjectReader::find(std::string_view key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string ObjectReader::name_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::optional<std::string> ObjectReader::text(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  return text_of(*value, name_of(key));
}

std::optional<bool> ObjectReader::flag(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse_field(name_of(key), "expected true or false, found {}", found_text(*value));
  return value->get<bool>();
}

std::optional<std::int64_t> ObjectReader::whole(std::string_view key, std::int64_t minimum,
                                                std::int64_t maximum) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = whole_number(*value);
  if (!number || *number < minimum || *number > maximum) {
    const bool open = maximum == std::numeric_limits<std::int64_t>::max();
    const std::string range = minimum == std::numeric_limits<std::int64_t>::min() ? ""
                              : open ? fmt::format(" of at least {}", minimum)
                                     : fmt::format(" from {} to {}", minimum, maximum);
    refuse_field(name_of(key), "expected a whole number{}, found {}", range, found_text(*value));
  }
  return number;
}

std::optional<std::string> ObjectReader::choice(std::string_view key,
                                                std::initializer_list<std::string_view> words) const {
  const std::optional<std::string> word = text(key);
  if (word && std::find(words.begin(), words.end(), *word) == words.end())
    refuse_field(name_of(key), "expected {}, found {}", fmt::join(words, " or "), in_quotes(*word, kShown));
  return word;
}

}  // namespace e5v::serve

#include "model/config_fields.h"

#include <limits>
#include <utility>

namespace e5v::model {
namespace {

constexpr std::size_t kMaxShown = 60;  // bytes of a string in a message

/// A value in a message: short, on one line, and without its members (it may be deeply nested).
std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  if (!value.is_string()) return value.dump();
  return to_string(in_quotes(value.get_ref<const std::string&>(), kMaxShown));
}

}  // namespace

Fields::Fields(const Json& object, std::string origin, std::string path)
    : object_(&object), origin_(std::move(origin)), path_(std::move(path)) {
  require<ModelError>(object.is_object(), "[{}] expected an object, found {}", origin_, shown(object));
}

const Json* Fields::find(const char* key) const {
  const auto found = object_->find(key);
  return found == object_->end() ? nullptr : &*found;
}

bool Fields::has(const char* key) const {
  const Json* value = find(key);
  return value != nullptr && !value->is_null();
}

std::int64_t Fields::integer(const char* key, std::optional<std::int64_t> fallback, Range<std::int64_t> range) const {
  if (!has(key) && fallback) return *fallback;
  const auto expected = [&] { return fmt::format("an integer in [{}, {}]", range.lowest, range.highest); };
  const Json* value = find(key);
  if (value == nullptr || !value->is_number_integer()) mismatch(key, expected());
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fits = !value->is_number_unsigned() || value->get<std::uint64_t>() <= kLargest;
  if (!fits || value->get<std::int64_t>() < range.lowest || value->get<std::int64_t>() > range.highest) {
    mismatch(key, expected());
  }
  return value->get<std::int64_t>();
}

double Fields::real(const char* key, std::optional<double> fallback, Range<double> range) const {
  if (!has(key) && fallback) return *fallback;
  const Json* value = find(key);
  const bool good = value != nullptr && value->is_number() && value->get<double>() >= range.lowest &&
                    value->get<double>() <= range.highest;
  if (!good) mismatch(key, fmt::format("a number in [{}, {}]", range.lowest, range.highest));
  return value->get<double>();
}

std::string Fields::text(const char* key, std::optional<std::string> fallback) const {
  if (!has(key) && fallback) return *fallback;
  const Json* value = find(key);
  if (value == nullptr || !value->is_string()) mismatch(key, "a string");
  return value->get<std::string>();
}

bool Fields::flag(const char* key, bool fallback) const {
  if (!has(key)) return fallback;
  const Json* value = find(key);
  if (!value->is_boolean()) mismatch(key, "true or false");
  return value->get<bool>();
}

std::optional<Fields> Fields::child(const char* key) const {
  if (!has(key)) return std::nullopt;
  const Json* value = find(key);
  if (!value->is_object()) mismatch(key, "an object");
  return Fields(*value, origin_, fmt::format("{}{}.", path_, key));
}

void Fields::check(bool ok, const char* key, std::string_view expected, std::string_view found) const {
  if (!ok) mismatch(key, expected, found);
}

void Fields::mismatch(const char* key, std::string_view expected, std::string_view found) const {
  const Json* value = find(key);
  const std::string what = value == nullptr ? std::string(found) : shown(*value);
  fail<ModelError>("[{}] \"{}{}\": expected {}, found {}", origin_, path_, key, expected, what);
}

}  // namespace e5v::model

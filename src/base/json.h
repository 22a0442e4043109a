#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace e5v {

using Json = nlohmann::json;
/// Its objects keep the order of the text. Finding a member takes a look at all before it: not for large tables.
using OrderedJson = nlohmann::ordered_json;

/// Objects and arrays that may stand inside each other. Printing and copying recurse, so that a text that is nested at
/// will would overflow the stack.
inline constexpr int kMaxJsonLevels = 128;

/// Parses one JSON document. `origin` (a file, or a file and line) leads the message of the InvalidInput thrown when
/// the text is not JSON or has more than kMaxJsonLevels. `keep`, when given, sees every value while it is parsed and
/// says whether it enters the document (nlohmann's parser callback): so large tables can go straight to where they
/// belong.
Json parse_json(std::string_view text, std::string_view origin, const Json::parser_callback_t& keep = nullptr);
OrderedJson parse_ordered_json(std::string_view text, std::string_view origin);

/// Reads and parses a file. Throws InvalidInput naming it.
Json read_json(const std::filesystem::path& path);

/// The value under a key as T. Throws E naming origin and key when the type differs; a T of whole numbers takes no
/// fraction and nothing beyond its range.
template <class T, class E = ModelError, class Document>
T json_as(const Document& value, std::string_view key, std::string_view origin) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    require<E>(value.is_number(), "[{}] {} has an unexpected type: {}", origin, in_quotes(key), value.type_name());
    const bool fits = value.is_number_unsigned()
                          ? std::in_range<T>(value.template get<std::uint64_t>())
                          : value.is_number_integer() && std::in_range<T>(value.template get<std::int64_t>());
    require<E>(fits, "[{}] {} is {}, expected a whole number of at most {} bits", origin, in_quotes(key), value.dump(),
               8 * sizeof(T));
  }
  try {
    return value.template get<T>();
  } catch (const Json::exception&) {
    fail<E>("[{}] {} has an unexpected type: {}", origin, in_quotes(key), value.type_name());
  }
}

/// object[key] as T, or `fallback` when the key is absent or null. Throws E naming origin and key when the type
/// differs.
template <class T, class E = ModelError, class Document>
T json_value(const Document& object, const char* key, const T& fallback, std::string_view origin) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  return json_as<T, E>(*found, key, origin);
}

}  // namespace e5v

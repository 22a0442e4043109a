#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace e5v {

using Json = nlohmann::json;

/// Parses one JSON document. `origin` (a file, or a file and line) leads the message of the InvalidInput thrown when
/// the text is not JSON. `keep`, when given, sees every value while it is parsed and says whether it enters the
/// document (nlohmann's parser callback): so large tables can go straight to where they belong.
Json parse_json(std::string_view text, std::string_view origin, const Json::parser_callback_t& keep = nullptr);

/// Reads and parses a file. Throws InvalidInput naming it.
Json read_json(const std::filesystem::path& path);

/// object[key] as T, or `fallback` when the key is absent or null. Throws E naming origin and key when the type
/// differs.
template <class T, class E = ModelError>
T json_value(const Json& object, const char* key, const T& fallback, std::string_view origin) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  try {
    return found->template get<T>();
  } catch (const Json::exception&) {
    fail<E>("[{}] \"{}\" has an unexpected type: {}", origin, key, found->type_name());
  }
}

}  // namespace e5v

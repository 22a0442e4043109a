#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace e5v {

/// One line of a JSONL file: an object whose values are no objects or arrays; those of the keys among `lists` may be
/// arrays of such values. Whatever else is in the line is refused before it takes memory: bytes that are no UTF-8 or no
/// JSON, keys that are not among `keys` or given twice, nested values. Throws InvalidInput; `where` leads its message.
Json parse_flat_object(std::string_view line, std::span<const std::string_view> keys, const std::string& where,
                       std::span<const std::string_view> lists = {});

/// The string under a key, moved out of the object; nothing when the key is absent or null. Throws InvalidInput when it
/// is something else.
std::optional<std::string> take_string(Json& object, std::string_view key, const std::string& where);

/// The strings of the list under a key; none when the key is absent or null. Throws InvalidInput when it is something
/// else.
std::vector<std::string> take_strings(Json& object, std::string_view key, const std::string& where);

}  // namespace e5v

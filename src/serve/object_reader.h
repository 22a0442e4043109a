#pragma once
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace e5v::serve {

/// Reads the fields of a JSON object in a request. null counts as absent, and fields that are not read are ignored.
/// Errors are a Refusal with status 400 that names the field, what was expected, and what was found.
class ObjectReader {
 public:
  /// `path` is the name of the object in messages: "" for the whole body, "input[3]" for a part. The object must
  /// outlive the reader. Throws a Refusal if the value is not an object.
  explicit ObjectReader(const Json& object, std::string path = "");

  /// Returns the value of a key, or null if it is absent.
  const Json* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// Returns the name of a field in messages: "input[3].text".
  std::string name_of(std::string_view key) const;

  std::optional<std::string> text(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::int64_t> whole(std::string_view key,
                                    std::int64_t minimum = std::numeric_limits<std::int64_t>::min(),
                                    std::int64_t maximum = std::numeric_limits<std::int64_t>::max()) const;
  /// Returns a value that must be one of these words.
  std::optional<std::string> choice(std::string_view key, std::initializer_list<std::string_view> words) const;

 private:
  const Json& object_;
  std::string path_;
};

/// Converts a number without a fraction: 2 and, as in JSON Schema, 2.0. Returns nothing for other values, and for
/// numbers that int64 or, with a fraction, a double cannot hold exactly.
std::optional<std::int64_t> whole_number(const Json& value);

/// Describes a value for a message: a short value itself, otherwise its type.
std::string found_text(const Json& value);

/// Returns a string. Throws a Refusal that names the field.
const std::string& text_of(const Json& value, const std::string& name);

}  // namespace e5v::serve

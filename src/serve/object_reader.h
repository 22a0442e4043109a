#pragma once
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace e5v::serve {

/// The fields of a JSON object in a request. null counts as absent; fields that nobody asks for are ignored. What is
/// wrong is a Refusal with status 400 that names the field, what was expected, and what was found.
class ObjectReader {
 public:
  /// `path` is the object's own name in messages: "" for the whole body, "input[3]" for a part. The object must outlive
  /// the reader. Throws a Refusal when it is none.
  explicit ObjectReader(const Json& object, std::string path = "");

  /// The value under a key; null when it is absent.
  const Json* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// The name of a field in messages: "input[3].text".
  std::string name_of(std::string_view key) const;

  std::optional<std::string> text(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::int64_t> whole(std::string_view key,
                                    std::int64_t minimum = std::numeric_limits<std::int64_t>::min(),
                                    std::int64_t maximum = std::numeric_limits<std::int64_t>::max()) const;
  /// One of several words.
  std::optional<std::string> choice(std::string_view key, std::initializer_list<std::string_view> words) const;

 private:
  const Json& object_;
  std::string path_;
};

/// A number without a fraction: 2 and, as in JSON Schema, 2.0. Nothing for other values and for those that int64 or,
/// with a fraction, a double cannot hold exactly.
std::optional<std::int64_t> whole_number(const Json& value);

/// What a message says was found: a short value as it is, else its type.
std::string found_text(const Json& value);

/// A string, or a Refusal that names the field.
const std::string& text_of(const Json& value, const std::string& name);

}  // namespace e5v::serve

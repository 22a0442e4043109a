#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace e5v::model {

/// The range of a value, from lowest to highest, both included.
template <class T>
struct Range {
  T lowest, highest;
};

/// Reads the keys of a JSON object. Every error is a ModelError that names the file, the key with the objects around
/// it, what was expected, and what was found. Borrows the object.
class Fields {
 public:
  /// `origin` is the file; `path` leads from the top to the object, "" or "text_config.". Throws when `object` is no
  /// object.
  Fields(const Json& object, std::string origin, std::string path = "");

  /// The value of a key; null when the key is absent.
  const Json* find(const char* key) const;
  /// True when the key is present and its value is not null.
  bool has(const char* key) const;

  // The value of a key, or the fallback when it is absent or null. Without a fallback the key must be there.
  std::int64_t integer(const char* key, std::optional<std::int64_t> fallback, Range<std::int64_t> range) const;
  double real(const char* key, std::optional<double> fallback, Range<double> range) const;
  std::string text(const char* key, std::optional<std::string> fallback) const;
  bool flag(const char* key, bool fallback) const;
  std::optional<Fields> child(const char* key) const;

  /// Throws unless ok. When the key is absent, a default is wrong, and the message shows `found`.
  void check(bool ok, const char* key, std::string_view expected, std::string_view found = "nothing") const;
  [[noreturn]] void mismatch(const char* key, std::string_view expected, std::string_view found = "nothing") const;

  const std::string& origin() const { return origin_; }
  const Json& object() const { return *object_; }

 private:
  const Json* object_;
  std::string origin_, path_;
};

}  // namespace e5v::model

#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace e5v::text {

/// The maximum token id. It keeps a table by id small whatever a file says; the largest vocabularies in use have 2^18
/// tokens.
inline constexpr std::int64_t kMaxTokenId = (std::int64_t{1} << 22) - 1;

/// The maximum depth of a "Sequence" of tokenizer.json inside others.
inline constexpr int kDeepestSequence = 8;

/// `text` for a one-line message: quoted, with escaped control characters, cut when long.
std::string shown(std::string_view text);

/// A value of a JSON file and its place in the file, for messages. All members throw ModelError when the value is
/// another one than expected. The JSON and the origin must outlive the section.
class Section {
 public:
  /// The whole document. `origin` is the file, for messages.
  Section(const Json& json, std::string_view origin) : Section(json, origin, "") {}

  const Json& json() const { return *json_; }

  /// The place of the value: "[tokenizer.json] decoder.decoders[2]".
  std::string where() const;

  /// True when the member exists and is not null.
  bool has(const char* key) const;

  /// The member, which must exist and not be null.
  Section at(const char* key) const;

  /// The elements of the member, which must be an array.
  std::vector<Section> items(const char* key) const;

  std::string text(const char* key) const;
  bool flag(const char* key, bool fallback) const;

  /// This value as a token id in [0, kMaxTokenId].
  std::int32_t id() const;

  /// This value as a count in [0, limit].
  std::int64_t count(std::int64_t limit) const;

  /// Throws: "<where>.<key> is "found"; supported are "a", "b"".
  [[noreturn]] void unsupported(const char* key, std::string_view found,
                                std::initializer_list<std::string_view> supported) const;

 private:
  Section(const Json& json, std::string_view origin, std::string path)
      : json_(&json), origin_(origin), path_(std::move(path)) {}
  std::string path_of(const char* key) const;

  const Json* json_;
  std::string_view origin_;
  std::string path_;
};

}  // namespace e5v::text

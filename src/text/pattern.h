#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/regex.h"
#include "text/section.h"

namespace e5v::text {

/// The maximum bytes of a text with `size` bytes after normalizer or decoder. Real files need far less; a hostile file
/// is limited.
constexpr std::size_t growth_limit(std::size_t size) { return (std::size_t{1} << 16) + 32 * size; }

/// A pattern of a tokenizer.json: {"String": literal} or {"Regex": expression}. Immutable.
class Pattern {
 public:
  explicit Pattern(Regex regex) : regex_(std::move(regex)) {}
  explicit Pattern(std::string literal) : literal_(std::move(literal)) {}

  /// Throws ModelError unless the section is one of the two forms.
  static Pattern from_json(const Section& section);

  /// The matches and the parts between them: ordered spans that cover the text.
  std::vector<Span> split(std::string_view text) const;

  /// The text with every match replaced by `content`. Throws ModelError when the result has more than max_bytes.
  std::string replace(std::string_view text, std::string_view content, std::size_t max_bytes) const;

 private:
  std::vector<Span> matches(std::string_view text) const;

  std::optional<Regex> regex_;
  std::string literal_;
};

}  // namespace e5v::text

#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace e5v {

/// A code point and the bytes it takes in UTF-8.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;
};

/// The code point whose first byte is text[at]. `text` must be well-formed UTF-8 and `at` inside it.
CodePoint code_point_at(std::string_view text, std::size_t at);

/// Where the code point that ends before text[at] begins; at > 0, text well-formed.
std::size_t previous_code_point(std::string_view text, std::size_t at);

void append_utf8(std::string& out, char32_t value);

/// The bytes as UTF-8, with one U+FFFD for each maximal ill-formed part, which is what Rust's from_utf8_lossy and the
/// WHATWG decoder do. Source: The Unicode Standard, section 3.9, "U+FFFD Substitution of Maximal Subparts".
std::string to_valid_utf8(std::string_view bytes);

/// Unicode's White_Space property.
bool is_white_space(char32_t value);

/// What Python's str.strip() and str.split() take for it: besides, the four separators U+001C to U+001F.
bool is_python_white_space(char32_t value);

/// Without what Python's str.lstrip() and str.strip() take off; text well-formed.
std::string_view python_stripped_left(std::string_view text);
std::string_view python_stripped(std::string_view text);

/// Where the white space that follows text[at] ends, and where the white space before text[at] begins (>= from).
std::size_t skip_white_space(std::string_view text, std::size_t at);
std::size_t skip_white_space_back(std::string_view text, std::size_t at, std::size_t from);

/// `text` with every occurrence of `from`, which is not empty, replaced by `to`; occurrences are found left to right.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace e5v

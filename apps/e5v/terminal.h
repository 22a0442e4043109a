#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// Text on terminals.
namespace e5v::app {

/// The number of columns of a file descriptor's terminal; 0 when it is no terminal.
int terminal_columns(int descriptor);

/// The number of columns of a UTF-8 text: two for wide characters, none for combining marks.
int display_width(std::string_view text);

/// The text in exactly `width` columns. It is padded with blanks, or cut and ended by "…". Control characters become
/// blanks, and bytes that are not UTF-8 become U+FFFD.
std::string fitted(std::string_view text, int width);

/// The text as one line, with escapes for control characters.
std::string one_line(std::string_view text);

/// Paragraphs, broken at blanks so that no line is wider than `width`. All lines of a paragraph but the first begin
/// with `indent` blanks. A line that begins with a blank stays as it is.
std::string wrapped(std::string_view text, int width, int indent);

}  // namespace e5v::app

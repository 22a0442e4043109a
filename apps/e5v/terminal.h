#pragma once
#include <cstddef>
#include <string>
#include <string_view>

/// Text on terminals.
namespace e5v::app {

/// The columns of a file descriptor's terminal, or 0 when it is no terminal.
int terminal_columns(int descriptor);

/// The columns that UTF-8 text takes: two for wide characters, none for combining marks.
int display_width(std::string_view text);

/// The text in exactly `width` columns: padded with blanks, or cut and ended by "…". Control characters become blanks,
/// and what is not UTF-8 becomes U+FFFD.
std::string fitted(std::string_view text, int width);

/// One line whatever the text holds: control characters are written as escapes.
std::string one_line(std::string_view text);

/// Paragraphs broken at blanks so that no line is wider than `width`; lines after the first of each begin with `indent`
/// blanks. Lines that begin with a blank are left as they are.
std::string wrapped(std::string_view text, int width, int indent);

}  // namespace e5v::app

#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace e5v {

/// A row of a text file as it stands there.
struct Record {
  std::string_view bytes;    ///< without the end of the line
  std::size_t next = 0;      ///< where the record after it begins
  std::string_view problem;  ///< why it cannot be read; empty when it can
};

/// No record may be longer, so that a stray quote cannot swallow a file.
inline constexpr std::size_t kLongestRecord = std::size_t{1} << 20;

/// The line that begins at text[begin], which must exist. Lines end with "\n" or "\r\n"; the last one needs no end.
Record line_at(std::string_view text, std::size_t begin);

/// The record of a CSV file that begins there: fields between commas; one that begins with a quote may hold commas,
/// line ends, and quotes written twice. A quote inside a field that does not begin with one is a character like others,
/// as in Python's csv module. A quote that is never closed costs its line only; text after a closing quote costs the
/// lines up to there. Source: RFC 4180, section 2.
Record csv_record_at(std::string_view text, std::size_t begin);

/// The fields of such a record, quotes undone; `record` must have had no problem.
std::vector<std::string> csv_fields(std::string_view record);

/// The fields between tabs.
std::vector<std::string> tsv_fields(std::string_view line);

/// A text of UTF-8 without the mark that some programs begin it with (U+FEFF).
std::string_view without_byte_order_mark(std::string_view text);

}  // namespace e5v

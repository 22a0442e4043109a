#include "base/records.h"

#include <algorithm>

namespace e5v {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// Where the quote stands that closes a field whose content begins at text[begin]; kNone when there is none before
/// `end`.
std::size_t closing_quote(std::string_view text, std::size_t begin, std::size_t end) {
  text = text.substr(0, end);
  for (std::size_t at = text.find('"', begin); at != kNone; at = text.find('"', at + 2)) {
    if (at + 1 == end || text[at + 1] != '"') return at;
  }
  return kNone;
}

bool ends_field(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at, 2);
  return rest.empty() || rest.front() == ',' || rest.front() == '\n' || rest == "\r\n" || rest == "\r";
}

std::string without_doubled_quotes(std::string_view quoted) {
  std::string field;
  field.reserve(quoted.size());
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    field += quoted[i];
    if (quoted[i] == '"') ++i;
  }
  return field;
}

/// The record from `begin` to the end of the line that text[at] is in.
Record up_to_line_end(std::string_view text, std::size_t begin, std::size_t at) {
  Record record = line_at(text, at);
  record.bytes = text.substr(begin, at - begin + record.bytes.size());
  if (record.bytes.ends_with('\r')) record.bytes.remove_suffix(1);  // when text[at] is the "\n" after it
  if (record.bytes.size() > kLongestRecord) record.problem = "is too long";
  return record;
}

Record with_problem(Record record, std::string_view problem) {
  record.problem = problem;
  return record;
}

}  // namespace

Record line_at(std::string_view text, std::size_t begin) {
  const std::size_t end = text.find('\n', begin);
  Record line{text.substr(begin, end == kNone ? end : end - begin), end == kNone ? text.size() : end + 1, {}};
  if (line.bytes.ends_with('\r')) line.bytes.remove_suffix(1);
  if (line.bytes.size() > kLongestRecord) line.problem = "is too long";
  return line;
}

Record csv_record_at(std::string_view text, std::size_t begin) {
  const std::size_t limit = std::min(text.size(), begin + kLongestRecord);
  std::size_t at = begin;
  for (;;) {
    if (at < text.size() && text[at] == '"') {
      const std::size_t close = closing_quote(text, at + 1, limit);
      if (close == kNone) return with_problem(line_at(text, begin), "a quote is not closed");
      at = close + 1;
      if (!ends_field(text, at)) {
        return with_problem(up_to_line_end(text, begin, at),
                            "text follows a closing quote; perhaps a quote before it is not closed");
      }
    }
    at = text.find_first_of(",\n", at);
    if (at == kNone || text[at] == '\n') return up_to_line_end(text, begin, at == kNone ? text.size() : at);
    ++at;
  }
}

std::vector<std::string> csv_fields(std::string_view record) {
  std::vector<std::string> fields;
  for (std::size_t at = 0;; ++at) {
    if (at < record.size() && record[at] == '"') {
      const std::size_t close = std::min(record.size(), closing_quote(record, at + 1, record.size()));
      fields.push_back(without_doubled_quotes(record.substr(at + 1, close - at - 1)));
      at = record.find(',', close);
    } else {
      const std::size_t begin = at;
      at = record.find(',', begin);
      fields.emplace_back(record.substr(begin, at == kNone ? at : at - begin));
    }
    if (at == kNone) return fields;
  }
}

std::vector<std::string> tsv_fields(std::string_view line) {
  std::vector<std::string> fields;
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.emplace_back(line.substr(0, tab));
    if (tab == kNone) return fields;
    line.remove_prefix(tab + 1);
  }
}

std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

}  // namespace e5v

#include "http/multipart.h"

#include <algorithm>

#include "base/ascii.h"

namespace e5v::http {
namespace {

constexpr std::size_t kMaxParts = 4096, kMaxBoundary = 70, kMaxHeader = 8192;

/// Returns the value of a parameter of a header field: name="a \"b\"" or name=word.
std::optional<std::string> parameter(std::string_view field, std::string_view name) {
  std::size_t at = field.find(';');
  while (at != std::string_view::npos) {
    std::size_t begin = field.find_first_not_of(" \t", at + 1);
    if (begin == std::string_view::npos) return std::nullopt;
    const std::size_t equals = field.find('=', begin);
    if (equals == std::string_view::npos) return std::nullopt;
    const bool wanted = equals_ignoring_case(field.substr(begin, equals - begin), name);
    std::string value;
    begin = equals + 1;
    if (begin < field.size() && field[begin] == '"') {
      for (++begin; begin < field.size() && field[begin] != '"'; ++begin) {
        if (field[begin] == '\\' && begin + 1 < field.size()) ++begin;
        value += field[begin];
      }
      at = field.find(';', std::min(begin, field.size()));
    } else {
      at = field.find(';', begin);
      value = field.substr(begin, at == std::string_view::npos ? at : at - begin);
      while (value.ends_with(' ') || value.ends_with('\t')) value.pop_back();
    }
    if (wanted) return value;
  }
  return std::nullopt;
}

/// Reads the header of a part. Returns whether it is valid.
bool read_header(std::string_view header, FormPart& part) {
  bool has_name = false;  // which may be empty
  while (!header.empty()) {
    const std::size_t end = header.find("\r\n");
    const std::string_view line = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 2);
    if (starts_with_ignoring_case(line, "content-disposition:")) {
      const std::optional<std::string> name = parameter(line, "name");
      has_name = name.has_value();
      part.name = name.value_or("");
      part.filename = parameter(line, "filename").value_or("");
    } else if (starts_with_ignoring_case(line, "content-type:")) {
      const std::size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
      if (begin != std::string_view::npos) part.type = line.substr(begin);
    }
  }
  return has_name;
}

}  // namespace

std::optional<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body) {
  const std::string boundary = parameter(content_type, "boundary").value_or("");
  if (boundary.empty() || boundary.size() > kMaxBoundary) return std::nullopt;
  const std::string first = "--" + boundary, next = "\r\n" + first;
  std::size_t at = body.starts_with(first) ? first.size() : std::string_view::npos;
  if (at == std::string_view::npos) {
    at = body.find(next);  // after a preamble
    if (at == std::string_view::npos) return std::nullopt;
    at += next.size();
  }
  std::vector<FormPart> parts;
  while (!body.substr(at).starts_with("--")) {
    at = body.find("\r\n", at);
    if (at == std::string_view::npos || parts.size() == kMaxParts) return std::nullopt;
    at += 2;
    const std::size_t blank = body.substr(at).starts_with("\r\n") ? at : body.find("\r\n\r\n", at);
    if (blank == std::string_view::npos || blank - at > kMaxHeader) return std::nullopt;
    FormPart part;
    if (!read_header(body.substr(at, blank - at), part)) return std::nullopt;
    const std::size_t content = blank + (blank == at ? 2 : 4);
    const std::size_t end = body.find(next, content);
    if (end == std::string_view::npos) return std::nullopt;
    part.content = body.substr(content, end - content);
    parts.push_back(std::move(part));
    at = end + next.size();
  }
  return parts;
}

}  // namespace e5v::http

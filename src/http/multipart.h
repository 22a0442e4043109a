#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::http {

/// One part of a form.
struct FormPart {
  std::string name, filename, type;
  std::string_view content;  ///< a view into the parsed body
};

/// Returns the parts of a multipart/form-data body (RFC 7578). `content_type` has the boundary. Returns nothing if the
/// body is malformed.
std::optional<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body);

}  // namespace e5v::http

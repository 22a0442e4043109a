#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace e5v::http {

/// A part of a form.
struct FormPart {
  std::string name, filename, type;
  std::string_view content;  ///< in the body that was parsed
};

/// The parts of a body of multipart/form-data (RFC 7578), whose Content-Type holds the boundary. Returns nothing when
/// the body is none.
std::optional<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body);

}  // namespace e5v::http

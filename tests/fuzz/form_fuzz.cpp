// Any bytes are the parts of a form or none: a Content-Type, a zero, a body. Parts that are written again are read back
// the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/multipart.h"
#include "scratch.h"

namespace {

using e5v::http::FormPart;

constexpr std::size_t kLongest = 4000;  // parts may grow to twice their length, and headers have a limit of 8,192 bytes
constexpr std::string_view kBoundary = "a boundary of our own";

void require_that(bool condition) {
  if (!condition) std::abort();
}

std::string in_quotes(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return quoted + '"';
}

std::string written(const std::vector<FormPart>& parts) {
  std::string body;
  for (const FormPart& part : parts) {
    body += "--" + std::string(kBoundary) + "\r\nContent-Disposition: form-data; name=" + in_quotes(part.name) +
            "; filename=" + in_quotes(part.filename) + "\r\n";
    if (!part.type.empty()) body += "Content-Type: " + part.type + "\r\n";
    body += "\r\n" + std::string(part.content) + "\r\n";
  }
  return body + "--" + std::string(kBoundary) + "--\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kLongest) return 0;
  const auto [type, body] = e5v::fuzz::halves({reinterpret_cast<const char*>(data), size});
  const auto parts = e5v::http::parse_form(type, body);
  if (!parts || body.find(kBoundary) != std::string_view::npos) return 0;
  for (const FormPart& part : *parts) {
    // A backslash before a line feed leaves a line end in a name, which no header can hold as it is.
    if ((part.name + part.filename + part.type).find_first_of("\r\n") != std::string::npos) return 0;
    require_that(part.content.data() >= body.data() &&
                 part.content.data() + part.content.size() <= body.data() + body.size());
  }
  const std::string again = written(*parts);
  const auto read = e5v::http::parse_form("multipart/form-data; boundary=" + in_quotes(kBoundary), again);
  require_that(read && read->size() == parts->size());
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const FormPart &a = (*parts)[i], &b = (*read)[i];
    require_that(a.name == b.name && a.filename == b.filename && a.type == b.type && a.content == b.content);
  }
  return 0;
}

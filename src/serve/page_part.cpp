#include "serve/page_part.h"

#include <string>

#include "serve/dialects/openai.h"

namespace e5v::serve {

http::Response page_part(std::string_view type, std::string_view content) {
  http::Response response{.type = std::string(type), .body = std::string(content)};
  response.fields.add(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.fields.add("X-Content-Type-Options", "nosniff");
  response.fields.add("Referrer-Policy", "no-referrer");
  response.fields.add("Cache-Control", "no-cache");
  return response;
}

Route page_route(std::string_view path, void (*answer)(Exchange), std::string_view type, std::string_view summary) {
  return {.method = "GET",
          .path = path,
          .answer = answer,
          .error = openai_error,
          .access = Access::open,
          .summary = summary,
          .response_type = type};
}

}  // namespace e5v::serve

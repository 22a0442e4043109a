#include "net/beast_message.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/random_id.h"

namespace e5v::net {
namespace {

constexpr std::size_t kMaxId = 128;

std::string text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool is_plain_word(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
}

}  // namespace

http::Request request_of(const boost::beast::http::request<boost::beast::http::string_body>& message) {
  http::Request request{.method = text_of(message.method_string())};
  const std::string target = text_of(message.target());
  const std::size_t question = target.find('?');
  request.path = http::percent_decoded(target.substr(0, question));
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : message) request.fields.add(text_of(field.name_string()), text_of(field.value()));
  const std::string_view id = request.fields.find("x-request-id");
  request.id = is_plain_word(id) ? std::string(id) : random_id();
  return request;
}

void fill(boost::beast::http::response_header<>& head, const http::Response& response, const std::string& id) {
  head.result(static_cast<unsigned>(response.status));
  if (!response.type.empty()) head.set(boost::beast::http::field::content_type, response.type);
  head.set("x-request-id", id);
  for (const auto& [name, value] : response.fields) head.insert(name, value);
}

}  // namespace e5v::net

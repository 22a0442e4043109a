#include "stores/store_url.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace e5v::stores {
namespace {

constexpr std::string_view kMask = "***";

/// The text with %XX decoded; what is no such code stays as it is.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    const bool is_code =
        text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    decoded += is_code ? static_cast<char>(value) : text[i];
    if (is_code) i += 2;
  }
  return decoded;
}

/// The value of password= among options; libpq takes it there, too.
std::string_view password_option(std::string_view options) {
  constexpr std::string_view kName = "password=";
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find('&'));
    if (option.starts_with(kName)) return option.substr(kName.size());
    options.remove_prefix(std::min(option.size() + 1, options.size()));
  }
  return {};
}

}  // namespace

bool StoreUrl::is_url(std::string_view text) {
  const std::size_t end = text.find("://");
  return end != std::string_view::npos && end > 0 &&
         std::ranges::all_of(text.substr(0, end), [](char c) { return (c >= 'a' && c <= 'z') || c == '+'; });
}

StoreUrl::StoreUrl(std::string text) : text_(std::move(text)) {
  require(is_url(text_), "[{}] expected the address of a store such as postgresql://HOST/DATABASE", in_quotes(text_));
  std::string_view rest = text_;
  scheme_ = rest.substr(0, rest.find("://"));
  rest.remove_prefix(scheme_.size() + 3);
  const std::size_t question = rest.find('?');
  const std::string_view options = question == std::string_view::npos ? std::string_view() : rest.substr(question + 1);
  rest = rest.substr(0, question);
  const std::size_t at = rest.substr(0, rest.find('/')).rfind('@');
  // Otherwise a part of the password would be taken for the host and shown in messages.
  require(at == rest.rfind('@'), "[{}://{}] expected / in a user name or a password as %2F", scheme_, kMask);
  const std::string_view user = at == std::string_view::npos ? std::string_view() : rest.substr(0, at);
  const std::size_t colon = user.find(':');
  const std::string_view password = colon == std::string_view::npos ? std::string_view() : user.substr(colon + 1);
  user_ = percent_decoded(user.substr(0, colon));
  encoded_password_ = password.empty() ? password_option(options) : password;
  password_ = percent_decoded(encoded_password_);
  if (at != std::string_view::npos) rest.remove_prefix(at + 1);
  host_ = rest.substr(0, rest.find('/'));
  path_ = host_.size() < rest.size() ? percent_decoded(rest.substr(host_.size() + 1)) : "";
  name_ = text_;
  if (!encoded_password_.empty())
    name_.replace(name_.find(encoded_password_, scheme_.size() + 3 + user.substr(0, colon).size()),
                  encoded_password_.size(), kMask);
}

std::string StoreUrl::masked(std::string_view message) const {
  std::string text = replace_all(message, text_, name_);
  for (const std::string& secret : {encoded_password_, password_})
    if (secret.size() >= 3) text = replace_all(text, secret, kMask);  // shorter ones are parts of words
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return replace_all(replace_all(text, "\n", "; "), "\t", "");
}

}  // namespace e5v::stores

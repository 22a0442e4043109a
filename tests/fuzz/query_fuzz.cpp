// Any bytes are a query and a key: key, a zero, query. What is percent-encoded is read back the same, and header fields
// are found without regard to case.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/message.h"
#include "scratch.h"

namespace {

void require_that(bool condition) {
  if (!condition) std::abort();
}

std::string encoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += {'%', kDigits[byte / 16], kDigits[byte % 16]};
  }
  return result;
}

std::string upper_case(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace e5v::http;
  const auto [key, query] = e5v::fuzz::halves({reinterpret_cast<const char*>(data), size});
  const std::optional<std::string> value = query_value(query, key);
  require_that(!value || value->size() <= query.size());
  require_that(!value || value->empty() || query.find('=') != std::string_view::npos);
  require_that(percent_decoded(query).size() <= query.size());
  require_that(percent_decoded(encoded(query)) == query);
  require_that(query_value(encoded(key) + "=" + encoded(query), key) == query);
  const std::string other = std::string(key) + "x";
  require_that(query_value(encoded(other) + "=1&" + encoded(key) + "=" + encoded(query), key) == query);
  Fields fields;
  fields.add(upper_case(std::string(key)), std::string(query));
  require_that(fields.find(key) == query && fields.find(other).empty());
  return 0;
}

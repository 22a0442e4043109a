#include "serve/images.h"

#include <algorithm>
#include <cstring>

#include "base/base64.h"
#include "base/error.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

constexpr std::string_view kData = "data:", kBase64 = ";base64";

bool starts_with_any_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

std::string decoded(std::string_view text, const std::string& field) {
  std::optional<std::string> bytes = from_base64(text);
  if (!bytes || bytes->empty())
    refuse_field(field, "expected an image as base64 or as a data: address, found {}", in_quotes(text, 40));
  return std::move(*bytes);
}

std::string from_data_address(std::string_view address, const std::string& field) {
  const std::size_t comma = address.find(',');
  const std::string_view head = address.substr(0, comma);
  if (comma == std::string_view::npos || !head.ends_with(kBase64))
    refuse_field(field, "expected data:image/TYPE;base64,BYTES, found {}", in_quotes(address, 40));
  return decoded(address.substr(comma + 1), field);
}

}  // namespace

ImageSource image_from_bytes(std::string_view bytes, const std::string& field) {
  EncodedImage image;
  image.bytes.resize(bytes.size());
  if (!bytes.empty()) std::memcpy(image.bytes.data(), bytes.data(), bytes.size());
  image.name = field;
  return image;
}

ImageSource image_of(const std::string& text, const std::string& field, const ImagePolicy& policy) {
  std::string bytes;
  if (starts_with_any_case(text, kData)) {
    bytes = from_data_address(text, field);
  } else if (starts_with_any_case(text, "http://") || starts_with_any_case(text, "https://")) {
    if (!policy.fetch) refuse_field(field, "this server reads no addresses; send the image as base64");
    bytes = policy.fetch(text, field);
  } else if (starts_with_any_case(text, "file:")) {
    refuse_field(field, "this server reads no files of its own; send the image as base64");
  } else {
    bytes = decoded(text, field);
  }
  if (bytes.size() > policy.max_bytes)
    refuse_field(field, "expected an image of at most {} bytes, found {}", policy.max_bytes, bytes.size());
  return image_from_bytes(bytes, field);
}

}  // namespace e5v::serve

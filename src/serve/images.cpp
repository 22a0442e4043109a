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
    refuse_field(field, "expected an image as base64 or as a data: URI, found {}", in_quotes(text, 40));
  return std::move(*bytes);
}

std::string from_data_uri(std::string_view address, const std::string& field) {
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

void add_image(RequestInput& input, const std::string& text, const std::string& field, const ImagePolicy& policy) {
  if (starts_with_any_case(text, "http://") || starts_with_any_case(text, "https://")) {
    if (policy.fetcher == nullptr)
      refuse_field(field, "this server does not fetch images from URLs; send the image as a data: URI or as base64");
    if (const auto problem = policy.fetcher->check(text); problem != http::FetchProblem::none)
      refuse_url({problem}, field, policy);
    input.urls.push_back({input.images.size(), text, field});
    input.images.push_back(image_from_bytes("", field));
    return;
  }
  if (starts_with_any_case(text, "file:"))
    refuse_field(field, "this server does not read files of its own; send the image as a data: URI or as base64");
  const std::string bytes = starts_with_any_case(text, kData) ? from_data_uri(text, field) : decoded(text, field);
  if (bytes.size() > policy.max_bytes)
    refuse_field(field, "expected an image of at most {} bytes, found {}", policy.max_bytes, bytes.size());
  input.images.push_back(image_from_bytes(bytes, field));
}

void refuse_url(const http::Fetched& fetched, const std::string& field, const ImagePolicy& policy) {
  using http::FetchProblem;
  switch (fetched.problem) {
    case FetchProblem::url: refuse_field(field, "expected an http or https URL without a user name");
    case FetchProblem::host:
      refuse_field(
          field,
          "this server does not fetch images from the host of this URL; send the image as a data: URI or as base64");
    case FetchProblem::redirect:
      refuse_field(field, "expected an image at the URL, found a redirect that this server does not follow");
    case FetchProblem::tls: refuse_field(field, "expected a host with a valid certificate");
    case FetchProblem::status:
      refuse_field(field, "expected an image at the URL, found an answer with status {}", fetched.status);
    case FetchProblem::size:
      refuse_field(field, "expected at most {} bytes of images from URLs in a request, found more", policy.max_bytes);
    case FetchProblem::time: refuse_field(field, "expected the image of the URL in time, found that it takes longer");
    case FetchProblem::broken: refuse_field(field, "expected an image at the URL, found an incomplete answer");
    case FetchProblem::busy: throw Overloaded("too many images are fetched");
    case FetchProblem::cancelled: throw Cancelled("the image is no longer needed");
    default: refuse_field(field, "expected an image at the URL, found that its host cannot be reached");
  }
}

}  // namespace e5v::serve

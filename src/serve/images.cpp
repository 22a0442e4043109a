#include "serve/images.h"

#include <span>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/error.h"
#include "serve/refusal.h"

namespace e5v::serve {
namespace {

constexpr std::string_view kData = "data:", kBase64 = ";base64";

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

Input to_input(RequestInput input) {
  Input result{.text = std::move(input.text), .images = {}, .prompt = std::move(input.prompt)};
  for (RequestImage& image : input.images) {
    const std::span<const std::byte> bytes = std::as_bytes(std::span(*image.file));
    result.images.push_back(EncodedImage{{bytes.begin(), bytes.end()}, std::move(image.field)});
    image.file.reset();  // so that a file of this input alone is not in memory twice
  }
  return result;
}

void add_image(RequestInput& input, const std::string& text, const std::string& field, const ImagePolicy& policy) {
  if (starts_with_ignoring_case(text, "http://") || starts_with_ignoring_case(text, "https://")) {
    if (policy.fetcher == nullptr)
      refuse_field(field, "this server does not fetch images from URLs; send the image as a data: URI or as base64");
    if (const auto problem = policy.fetcher->check(text); problem != http::FetchProblem::none)
      refuse_url({problem}, field, policy);
    input.images.push_back({.field = field, .url = text});
    return;
  }
  if (starts_with_ignoring_case(text, "file:"))
    refuse_field(field, "this server does not read files of its own; send the image as a data: URI or as base64");
  std::string bytes = starts_with_ignoring_case(text, kData) ? from_data_uri(text, field) : decoded(text, field);
  if (bytes.size() > policy.max_bytes)
    refuse_field(field, "expected an image of at most {} bytes, found {}", policy.max_bytes, bytes.size());
  input.images.push_back({.file = std::make_shared<const std::string>(std::move(bytes)), .field = field});
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

#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "e5v/input.h"
#include "http/fetcher.h"

namespace e5v::serve {

/// The allowed sources of images in requests.
struct ImagePolicy {
  /// Maximum size of an encoded image, and of all images together that are fetched for one request.
  std::size_t max_bytes = std::size_t{64} << 20;
  http::Fetcher* fetcher = nullptr;  ///< fetches images that are given as URLs; null: URLs are refused
};

/// An image that a request gives as a URL.
struct ImageUrl {
  std::size_t image = 0;  ///< its index in Input::images
  std::string url, field;
};

/// An input as a request has it: images that are given as URLs are empty until they are fetched (call_images.h).
struct RequestInput : Input {
  RequestInput() = default;
  RequestInput(Input input) : Input(std::move(input)) {}  // NOLINT(google-explicit-constructor): every Input is one
  std::vector<ImageUrl> urls = {};
};

/// Adds an image of a request: "data:image/png;base64,…", plain base64, or a URL. Throws a Refusal that names the
/// field. The image is not decoded here.
void add_image(RequestInput& input, const std::string& text, const std::string& field, const ImagePolicy& policy);

/// Returns the image of an uploaded or fetched file.
ImageSource image_from_bytes(std::string_view bytes, const std::string& field);

/// Throws a Refusal of an image's URL, which says what was expected of it and nothing of the server's network.
[[noreturn]] void refuse_url(const http::Fetched& fetched, const std::string& field, const ImagePolicy& policy);

}  // namespace e5v::serve

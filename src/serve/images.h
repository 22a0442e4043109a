#pragma once
#include <cstdint>
#include <memory>
#include <optional>
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

/// The bytes of a file. All inputs that have the file share them.
using SharedFile = std::shared_ptr<const std::string>;

/// Each input that the embedder takes has files of its own. So if a request uses a file or a text in several inputs,
/// it is copied, and its bytes count once for each use after the first. They may be this many times the size of the
/// largest image.
inline constexpr std::size_t kMaxCopies = 4;

/// An image as a request has it.
struct RequestImage {
  SharedFile file = nullptr;  ///< null until it is fetched (call_images.h)
  std::string field = {};     ///< its field in the request
  std::string url = {};       ///< of an image that must be fetched
};

/// An input as a request has it.
struct RequestInput {
  std::optional<std::string> text = std::nullopt, prompt = std::nullopt;
  std::vector<RequestImage> images = {};

  static RequestInput from_text(std::string text) { return {.text = std::move(text)}; }
};

/// Returns the input with copies of its files, which must be there.
Input to_input(RequestInput input);

/// Adds an image of a request: "data:image/png;base64,…", plain base64, or a URL. Throws a Refusal that names the
/// field. The image is not decoded here.
void add_image(RequestInput& input, const std::string& text, const std::string& field, const ImagePolicy& policy);

/// Throws a Refusal of an image's URL, which says what was expected of it and nothing of the server's network.
[[noreturn]] void refuse_url(const http::Fetched& fetched, const std::string& field, const ImagePolicy& policy);

}  // namespace e5v::serve

#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "e5v/input.h"

namespace e5v::serve {

/// The allowed sources of images in requests.
struct ImagePolicy {
  std::size_t max_bytes = std::size_t{64} << 20;  ///< maximum size of an encoded image
  /// Reads the image at an http or https address. Throws a Refusal. If the function is null, addresses are refused.
  std::function<std::string(const std::string& url, const std::string& field)> fetch = nullptr;
};

/// Returns the image of a field: "data:image/png;base64,…", plain base64, or an address. Throws a Refusal that names
/// the field. The image is not decoded here.
ImageSource image_of(const std::string& text, const std::string& field, const ImagePolicy& policy);

/// Returns the image of an uploaded file.
ImageSource image_from_bytes(std::string_view bytes, const std::string& field);

}  // namespace e5v::serve

#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "e5v/input.h"

namespace e5v::serve {

/// Where images of requests may come from.
struct ImagePolicy {
  std::size_t max_bytes = std::size_t{64} << 20;  ///< of an encoded image
  /// Reads what is at an http or https address; null: addresses are refused. Throws a Refusal.
  std::function<std::string(const std::string& url, const std::string& field)> fetch = nullptr;
};

/// An image of a request: "data:image/png;base64,…", plain base64, or an address. `field` is where it stands. Throws a
/// Refusal; what the bytes hold is seen when they are decoded.
ImageSource image_of(const std::string& text, const std::string& field, const ImagePolicy& policy);

/// Bytes that were uploaded.
ImageSource image_from_bytes(std::string_view bytes, const std::string& field);

}  // namespace e5v::serve

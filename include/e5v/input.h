#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace e5v {

/// An image as a JPEG, PNG or WebP file held in memory. `name` leads the messages about it.
struct EncodedImage {
  std::vector<std::byte> bytes;
  std::string name = "image";
};

/// An image as it is: rgb holds height x width x 3 bytes, row by row, red first.
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
};

/// Where an image comes from: a file to read, an encoded image in memory, or pixels.
using ImageSource = std::variant<std::filesystem::path, EncodedImage, Pixels>;

/// One thing to embed: a text, an image, or an image changed by a text.
struct Input {
  std::optional<std::string> text;  ///< UTF-8
  std::optional<ImageSource> image;
  /// Name of a prompt, or an own template with <sent> and <image> where text and image go, taken as the whole prompt.
  /// None: the embedder's own.
  std::optional<std::string> prompt;

  static Input from_text(std::string text) { return {std::move(text), std::nullopt, std::nullopt}; }
  static Input from_image(ImageSource image) { return {std::nullopt, std::move(image), std::nullopt}; }
  static Input composed(ImageSource image, std::string text) {
    return {std::move(text), std::move(image), std::nullopt};
  }
};

}  // namespace e5v

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

/// One thing to embed: a text, images, or images changed by a text.
struct Input {
  std::optional<std::string> text;  ///< UTF-8
  std::vector<ImageSource> images;  ///< any number, in the order in which they stand in the prompt
  /// Name of a prompt, or an own template, taken as the whole prompt: <sent> stands where the text goes, and one
  /// <image> for each image. None: the embedder's own.
  std::optional<std::string> prompt;

  static Input from_text(std::string text) { return {std::move(text), {}, std::nullopt}; }
  static Input from_image(ImageSource image) { return from_images({std::move(image)}); }
  static Input composed(ImageSource image, std::string text) {
    return from_images({std::move(image)}, std::move(text));
  }
  /// The named prompts hold one image, so several need a template of their own.
  static Input from_images(std::vector<ImageSource> images, std::optional<std::string> text = std::nullopt) {
    return {std::move(text), std::move(images), std::nullopt};
  }
};

}  // namespace e5v

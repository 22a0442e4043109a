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

/// An image file in memory: JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF, or a camera's raw file with a preview. Error
/// messages about the image begin with `name`.
struct EncodedImage {
  std::vector<std::byte> bytes;
  std::string name = "image";
};

/// An image as pixels. `rgb` holds the bytes [height, width, 3], row-major, in the order red, green, blue.
struct Pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
};

/// The source of an image: the path of a file, an encoded image in memory, or pixels.
using ImageSource = std::variant<std::filesystem::path, EncodedImage, Pixels>;

/// One input: a text, images, or images and a text that modifies them (a composed query). The model computes one vector
/// for it.
struct Input {
  std::optional<std::string> text;  ///< UTF-8; not set for an input without a text
  std::vector<ImageSource> images;  ///< the images, in the order of their slots in the prompt
  /// The name of a prompt, or a template. A template is the whole prompt, with the slot <sent> for the text and one
  /// slot <image> for each image. If this is not set, the prompt in RunOptions is used.
  std::optional<std::string> prompt;

  /// Returns the input of a text.
  static Input from_text(std::string text) { return {std::move(text), {}, std::nullopt}; }
  /// Returns the input of one image.
  static Input from_image(ImageSource image) { return from_images({std::move(image)}); }
  /// Returns a composed query: an image and a text that modifies it.
  static Input composed(ImageSource image, std::string text) {
    return from_images({std::move(image)}, std::move(text));
  }
  /// Returns the input of several images, with or without a text. Named prompts have at most one <image> slot, so
  /// for two or more images `prompt` must be set to a template with a slot for each image.
  static Input from_images(std::vector<ImageSource> images, std::optional<std::string> text = std::nullopt) {
    return {std::move(text), std::move(images), std::nullopt};
  }
};

}  // namespace e5v

#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "e5v/input.h"
#include "image/text_image.h"

namespace e5v::eval {

/// One thing to embed: a hash of its content, and how to make the input, which happens only when its vector is not
/// known.
struct Item {
  Hash128 key;
  std::function<Input()> make;
  std::string name{};  ///< for messages: the beginning of the text, the file, or both
};

/// Makes items. Image files are hashed by content, each once.
class ItemMaker {
 public:
  static Item text(std::string text);
  /// The text as a picture. It is drawn by the thread that makes the input.
  static Item drawn(std::shared_ptr<const image::TextPainter> painter, std::string text);
  /// Throws InvalidInput when the file cannot be read.
  Item image(const std::filesystem::path& file);
  /// The image changed by the text.
  Item composed(const std::filesystem::path& file, std::string text);
  /// Several images in their order, alone or with a text; of one image it is image() or composed().
  Item images(const std::vector<std::filesystem::path>& files, std::optional<std::string> text = std::nullopt);

 private:
  const Hash128& key_of(const std::filesystem::path& file);
  std::map<std::filesystem::path, Hash128> keys_;
};

}  // namespace e5v::eval

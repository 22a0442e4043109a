#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "drawing/text_image.h"
#include "e5v/input.h"

namespace e5v::eval {

/// Something to embed: a hash of its content, and a function that makes the input. The function is called only when the
/// vector is not stored.
struct Item {
  Hash128 key;
  std::function<Input()> make;
  std::string name{};  ///< for messages: the beginning of the text, the file, or both
};

/// Makes items. The content of each image file is hashed once.
class ItemMaker {
 public:
  static Item text(std::string text);
  /// The text, drawn as an image by the thread that makes the input.
  static Item drawn(std::shared_ptr<const drawing::TextPainter> painter, std::string text);
  /// Throws InvalidInput when the file cannot be read.
  Item image(const std::filesystem::path& file);
  /// The image changed by the text.
  Item composed(const std::filesystem::path& file, std::string text);
  /// Several images in their order, alone or with a text. One image gives the same item as image() or composed().
  Item images(const std::vector<std::filesystem::path>& files, std::optional<std::string> text = std::nullopt);

 private:
  const Hash128& key_of(const std::filesystem::path& file);
  std::map<std::filesystem::path, Hash128> keys_;
};

}  // namespace e5v::eval

#include "eval/items.h"

#include "base/error.h"
#include "base/file.h"

namespace e5v::eval {
namespace {

Hasher& add(Hasher& hasher, std::string_view part) {
  return hasher.add(static_cast<std::int64_t>(part.size())).add(part);
}

/// The beginning of a text, long enough to recognise it in a message.
std::string excerpt(std::string_view text) { return to_string(in_quotes(text, 60)); }

}  // namespace

Item ItemMaker::text(std::string text) {
  Hasher hasher;
  const Hash128 key = add(hasher.add("text"), text).digest();
  std::string name = excerpt(text);
  return {key, [text = std::move(text)] { return Input::from_text(text); }, std::move(name)};
}

Item ItemMaker::drawn(std::shared_ptr<const drawing::TextPainter> painter, std::string text) {
  Hasher hasher;
  const Hash128 key = add(hasher.add("drawn").add(painter->id()), text).digest();
  std::string name = excerpt(text);
  return {key,
          [painter = std::move(painter), text = std::move(text)] { return Input::from_image(painter->paint(text)); },
          std::move(name)};
}

Item ItemMaker::image(const std::filesystem::path& file) {
  return {Hasher().add("image").add(key_of(file).hex()).digest(), [file] { return Input::from_image(file); },
          file.string()};
}

Item ItemMaker::composed(const std::filesystem::path& file, std::string text) {
  Hasher hasher;
  const Hash128 key = add(hasher.add("composed").add(key_of(file).hex()), text).digest();
  std::string name = fmt::format("{} with {}", file.string(), excerpt(text));
  return {key, [file, text = std::move(text)] { return Input::composed(file, text); }, std::move(name)};
}

Item ItemMaker::images(const std::vector<std::filesystem::path>& files, std::optional<std::string> text) {
  require(!files.empty(), "[images] an item of images has none");
  if (files.size() == 1) return text ? composed(files.front(), std::move(*text)) : image(files.front());
  Hasher hasher;
  hasher.add("images").add(static_cast<std::int64_t>(files.size()));
  std::string name;
  for (const std::filesystem::path& file : files) {
    hasher.add(key_of(file).hex());
    name += fmt::format("{}{}", name.empty() ? "" : ", ", file.string());
  }
  if (text) add(hasher.add("text"), *text);
  if (text) name += fmt::format(" with {}", excerpt(*text));
  return {hasher.digest(),
          [files, text = std::move(text)] {
            return Input::from_images({files.begin(), files.end()}, text);
          },
          std::move(name)};
}

const Hash128& ItemMaker::key_of(const std::filesystem::path& file) {
  const auto found = keys_.find(file);
  if (found != keys_.end()) return found->second;
  return keys_.emplace(file, Hasher().add(read_file(file)).digest()).first->second;
}

}  // namespace e5v::eval

#include "eval/items.h"

#include "base/file.h"

namespace e5v::eval {
namespace {

Hasher& add(Hasher& hasher, std::string_view part) {
  return hasher.add(static_cast<std::int64_t>(part.size())).add(part);
}

}  // namespace

Item ItemMaker::text(std::string text) {
  Hasher hasher;
  const Hash128 key = add(hasher.add("text"), text).digest();
  return {key, [text = std::move(text)] { return Input::from_text(text); }};
}

Item ItemMaker::drawn(std::shared_ptr<const image::TextPainter> painter, std::string text) {
  Hasher hasher;
  const Hash128 key = add(hasher.add("drawn").add(painter->id()), text).digest();
  return {key,
          [painter = std::move(painter), text = std::move(text)] { return Input::from_image(painter->paint(text)); }};
}

Item ItemMaker::image(const std::filesystem::path& file) {
  return {Hasher().add("image").add(key_of(file).hex()).digest(), [file] { return Input::from_image(file); }};
}

Item ItemMaker::composed(const std::filesystem::path& file, std::string text) {
  Hasher hasher;
  const Hash128 key = add(hasher.add("composed").add(key_of(file).hex()), text).digest();
  return {key, [file, text = std::move(text)] { return Input::composed(file, text); }};
}

const Hash128& ItemMaker::key_of(const std::filesystem::path& file) {
  const auto found = keys_.find(file);
  if (found != keys_.end()) return found->second;
  return keys_.emplace(file, Hasher().add(read_file(file)).digest()).first->second;
}

}  // namespace e5v::eval

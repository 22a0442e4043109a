#include "scheduler/content.h"

#include <algorithm>
#include <utility>

#include "base/file.h"

namespace e5v::scheduler {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFrameTokens = 32, kBytesPerToken = 4, kImageTokens = 2400;

void add_image(Hasher& hasher, const ImageSource& image) {
  if (const auto* encoded = std::get_if<EncodedImage>(&image)) {
    hasher.add(static_cast<std::int64_t>(encoded->bytes.size())).add(encoded->bytes);
  } else {
    const auto& pixels = std::get<Pixels>(image);
    hasher.add(std::int64_t{-1}).add(std::int64_t{pixels.width}).add(std::int64_t{pixels.height});
    hasher.add(static_cast<std::int64_t>(pixels.rgb.size())).add(std::as_bytes(std::span(pixels.rgb)));
  }
}

std::size_t bytes_of(const ImageSource& image) {
  if (const auto* encoded = std::get_if<EncodedImage>(&image)) return encoded->bytes.size();
  if (const auto* pixels = std::get_if<Pixels>(&image)) return pixels->rgb.size();
  return std::get<fs::path>(image).native().size();
}

}  // namespace

bool is_in_memory(const Input& input) {
  return std::ranges::none_of(input.images,
                              [](const ImageSource& image) { return std::holds_alternative<fs::path>(image); });
}

Input loaded(Input input) {
  for (ImageSource& image : input.images) {
    const auto* path = std::get_if<fs::path>(&image);
    if (path == nullptr) continue;
    const std::string file = read_file(*path, embed::kMaxFileBytes);
    const auto bytes = std::as_bytes(std::span(file));
    image = EncodedImage{{bytes.begin(), bytes.end()}, path->string()};
  }
  return input;
}

Hash128 content_key(const Input& input, const Fingerprint& fingerprint, const PrepareOptions& options) {
  Hasher hasher;
  hasher.add(fingerprint.id()).add(options.max_pixels);  // decides which images are refused
  if (input.text) hasher.add(static_cast<std::int64_t>(input.text->size())).add(*input.text);
  for (const ImageSource& image : input.images) add_image(hasher.add("image"), image);
  return hasher.digest();
}

Size expected_size(const Input& input) {
  const std::size_t text_bytes = input.text ? input.text->size() : 0;
  std::size_t bytes = text_bytes;
  for (const ImageSource& image : input.images) bytes += bytes_of(image);
  return expected_size(text_bytes, input.images.size(), bytes);
}

Size expected_size(std::size_t text_bytes, std::size_t images, std::size_t bytes) {
  const std::size_t tokens = kFrameTokens + text_bytes / kBytesPerToken + images * kImageTokens;
  return {static_cast<std::int64_t>(tokens), static_cast<std::int64_t>(bytes)};
}

Size size_of(const embed::PreparedInput& input) {
  std::size_t bytes = input.symbols.size() * sizeof(embed::Symbol);
  for (const embed::InputImage& image : input.images) bytes += image.prepared->patches.pixels.size();
  return {input.tokens(), static_cast<std::int64_t>(bytes)};
}

}  // namespace e5v::scheduler

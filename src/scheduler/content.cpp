#include "scheduler/content.h"

#include <algorithm>
#include <utility>

#include "base/file.h"

namespace e5v::scheduler {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFrameTokens = 32, kBytesPerToken = 4, kImageTokens = 2400;

void add_image(Hasher& hasher, const ImageSource& image) {
  if (const auto* encoded = std::get_if<EncodedImage>(&image)) {
    hasher.add(static_cast<std::int64_t>(encoded->bytes.size())).add(encoded->bytes);
  } else {
    const auto& pixels = std::get<Pixels>(image);
    hasher.add(std::int64_t{-1}).add(std::int64_t{pixels.width}).add(std::int64_t{pixels.height});
    hasher.add(static_cast<std::int64_t>(pixels.rgb.size())).add(std::as_bytes(std::span(pixels.rgb)));
  }
}

std::int64_t bytes_of(const ImageSource& image) {
  if (const auto* encoded = std::get_if<EncodedImage>(&image)) return static_cast<std::int64_t>(encoded->bytes.size());
  if (const auto* pixels = std::get_if<Pixels>(&image)) return static_cast<std::int64_t>(pixels->rgb.size());
  return static_cast<std::int64_t>(std::get<fs::path>(image).native().size());
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
  Size size{kFrameTokens, 0};
  if (input.text) {
    size.bytes += static_cast<std::int64_t>(input.text->size());
    size.tokens += size.bytes / kBytesPerToken;
  }
  for (const ImageSource& image : input.images) {
    size.bytes += bytes_of(image);
    size.tokens += kImageTokens;
  }
  return size;
}

Size size_of(const embed::PreparedInput& input) {
  std::size_t bytes = input.symbols.size() * sizeof(embed::Symbol);
  for (const embed::InputImage& image : input.images) bytes += image.prepared->patches.pixels.size();
  return {input.tokens(), static_cast<std::int64_t>(bytes)};
}

}  // namespace e5v::scheduler

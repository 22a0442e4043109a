#include "library/thumbnails.h"

#include <algorithm>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "image/decode.h"
#include "image/encode.h"

namespace e5v::library {
namespace {

namespace fs = std::filesystem;

constexpr int kWebpQuality = 80;

std::string crossed_out() {
  constexpr int kWidth = 240, kHeight = 180, kThickness = 3;
  constexpr std::uint8_t kArea = 0xE4, kLine = 0xA8;
  image::Bitmap bitmap(kWidth, kHeight);
  std::ranges::fill(bitmap.pixels, kArea);
  for (int y = 0; y < kHeight; ++y) {
    const int falling = y * kWidth / kHeight, rising = kWidth - 1 - falling;
    for (const int middle : {falling, rising})
      for (int x = std::max(0, middle - kThickness); x < std::min(kWidth, middle + kThickness); ++x)
        std::fill_n(bitmap.row(y) + std::ptrdiff_t{3} * x, 3, kLine);
  }
  return image::encode_webp(bitmap, kWebpQuality);
}

/// Keeps a file. What cannot be kept is made again when it is next asked for.
void keep(const fs::path& path, const std::string& content) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return;
  try {
    write_file_atomically(path, content);
  } catch (const Error&) {  // the library is read-only, or the disk is full
  }
}

}  // namespace

std::string read_photo(const Photo& photo) {
  std::string reason = "the library knows no file of it";
  for (const std::string& path : photo.paths) {
    try {
      std::string bytes = read_file(path);
      if (Hasher().add(bytes).digest() == photo.hash) return bytes;
      reason = fmt::format("[{}] expected the file that was indexed, found another content", path);
    } catch (const InvalidInput& error) {
      reason = error.what();
    }
  }
  fail<InvalidInput>("[photo {}] {}", photo.hash.hex(), reason);
}

std::string Thumbnails::get(const Photo& photo, ThumbnailSize size) const {
  const std::string hash = photo.hash.hex();
  const int edge = static_cast<int>(size);
  const fs::path path = folder_ / hash.substr(0, 2) / fmt::format("{}-{}.webp", hash, edge);
  std::error_code error;
  if (fs::is_regular_file(path, error)) return read_file(path);
  const std::string file = read_photo(photo);
  image::Bitmap bitmap = image::decode(std::as_bytes(std::span(file)), photo.paths.front());
  std::string made = image::encode_webp(image::thumbnail(std::move(bitmap), edge), kWebpQuality);
  keep(path, made);
  return made;
}

const std::string& Thumbnails::placeholder() {
  static const std::string image = crossed_out();
  return image;
}

}  // namespace e5v::library

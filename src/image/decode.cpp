#include "image/decode.h"

#include <limits>
#include <string>

#include "base/error.h"
#include "base/foreign_file.h"
#include "image/codec.h"
#include "image/orientation.h"

namespace e5v::image {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kJpeg = "\xFF\xD8\xFF"sv, kPng = "\x89PNG\r\n\x1A\n"sv;

bool has(std::string_view file, std::size_t offset, std::string_view bytes) {
  return file.size() >= offset + bytes.size() && file.substr(offset, bytes.size()) == bytes;
}

bool is_webp(std::string_view file) { return has(file, 0, "RIFF"sv) && has(file, 8, "WEBP"sv); }

/// What can be done about a file that is no image.
std::string_view remedy_for(ForeignKind kind) {
  switch (kind) {
    case ForeignKind::image:
      return "; convert it to PNG, JPEG or WebP, for example with ImageMagick: magick INPUT OUTPUT.png";
    case ForeignKind::web_page:
    case ForeignKind::text: return "; a server may have sent this in place of the image: fetch the image again";
    case ForeignKind::pointer: return "; fetch the image itself with: git lfs pull";
    case ForeignKind::empty: return "; fetch the image again";
    case ForeignKind::other:
    case ForeignKind::unknown: break;
  }
  return "";
}

[[noreturn]] void refuse(std::string_view text, std::string_view origin) {
  constexpr std::size_t kShown = 60;
  const ForeignFile found = describe_foreign_bytes(std::as_bytes(std::span(text)));
  std::string start;
  if (found.kind == ForeignKind::text) start = fmt::format(" that starts with {}", in_quotes(text, kShown));
  if (found.kind == ForeignKind::unknown) {
    start = fmt::format(" ({} in all, first", text.size());
    for (const char byte : text.substr(0, 8)) start += fmt::format(" {:02x}", static_cast<unsigned char>(byte));
    start += ")";
  }
  fail<InvalidInput>("[{}] image: expected JPEG, PNG or WebP, found {}{}{}", origin, found.name, start,
                     remedy_for(found.kind));
}

}  // namespace

void check_size(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format) {
  constexpr std::int64_t kMaxEdge = std::numeric_limits<std::int32_t>::max();
  require(width > 0 && height > 0 && width <= kMaxEdge && height <= kMaxEdge,
          "[{}] {}: expected an image with pixels, found a size of {}x{}", file.origin, format, width, height);
  require(width * height <= file.max_pixels, "[{}] {}: expected at most {} pixels, found {}x{}", file.origin, format,
          file.max_pixels, width, height);
}

Bitmap allocate_bitmap(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format) {
  check_size(width, height, file, format);
  return Bitmap(static_cast<int>(width), static_cast<int>(height));
}

Bitmap decode(std::span<const std::byte> encoded, std::string_view origin, const DecodeOptions& options) {
  const std::string_view text(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  const Encoded file{encoded, origin, options.max_pixels, options.drop_alpha};
  if (text.starts_with(kJpeg)) {
    Bitmap bitmap = decode_jpeg(file);
    return options.apply_exif ? oriented(std::move(bitmap), jpeg_orientation(encoded)) : bitmap;
  }
  if (text.starts_with(kPng)) {
    Bitmap bitmap = decode_png(file);
    return options.apply_exif ? oriented(std::move(bitmap), png_orientation(encoded)) : bitmap;
  }
  if (is_webp(text)) {
    Bitmap bitmap = decode_webp(file);
    return options.apply_exif ? oriented(std::move(bitmap), webp_orientation(encoded)) : bitmap;
  }
  refuse(text, origin);
}

bool begins_as_image(std::string_view start) {
  return start.starts_with(kJpeg) || start.starts_with(kPng) || is_webp(start);
}

}  // namespace e5v::image

#include "image/decode.h"

#include <array>
#include <limits>
#include <string>

#include "base/error.h"
#include "image/codec.h"
#include "image/orientation.h"

namespace e5v::image {
namespace {

struct Signature {
  std::string_view name;
  std::size_t offset;
  std::string_view bytes;
};

using namespace std::string_view_literals;

// Formats that people hand in by mistake, so that the message can say what the file is.
constexpr std::array kForeign = {
    Signature{"a GIF image", 0, "GIF8"sv},        Signature{"a BMP image", 0, "BM"sv},
    Signature{"a TIFF image", 0, "II*\0"sv},      Signature{"a TIFF image", 0, "MM\0*"sv},
    Signature{"an AVIF image", 4, "ftypavif"sv},  Signature{"a HEIC image", 4, "ftyphei"sv},
    Signature{"a HEIC image", 4, "ftypmif1"sv},   Signature{"a JPEG 2000 image", 4, "jP  "sv},
    Signature{"a JPEG XL image", 4, "JXL "sv},    Signature{"a JPEG XL image", 0, "\xFF\x0A"sv},
    Signature{"an icon", 0, "\0\0\1\0"sv},        Signature{"a Photoshop document", 0, "8BPS"sv},
    Signature{"a PDF document", 0, "%PDF"sv},     Signature{"a ZIP archive", 0, "PK\3\4"sv},
    Signature{"a gzip archive", 0, "\x1F\x8B"sv}, Signature{"an SVG or XML document", 0, "<?xml"sv},
    Signature{"an SVG document", 0, "<svg"sv},    Signature{"an HTML document", 0, "<!DOCTYPE"sv},
    Signature{"an HTML document", 0, "<html"sv},
};

constexpr std::string_view kJpeg = "\xFF\xD8\xFF"sv, kPng = "\x89PNG\r\n\x1A\n"sv;

bool has(std::string_view file, std::size_t offset, std::string_view bytes) {
  return file.size() >= offset + bytes.size() && file.substr(offset, bytes.size()) == bytes;
}

bool is_webp(std::string_view file) { return has(file, 0, "RIFF"sv) && has(file, 8, "WEBP"sv); }

[[noreturn]] void refuse(std::string_view text, std::string_view origin) {
  for (const Signature& foreign : kForeign)
    if (has(text, foreign.offset, foreign.bytes))
      fail<InvalidInput>("[{}] image: expected JPEG, PNG or WebP, found {}", origin, foreign.name);
  std::string start;
  for (const char byte : text.substr(0, 8)) start += fmt::format(" {:02x}", static_cast<unsigned char>(byte));
  fail<InvalidInput>("[{}] image: expected JPEG, PNG or WebP, found {} bytes that start with{}", origin, text.size(),
                     start);
}

}  // namespace

Bitmap allocate_bitmap(std::int64_t width, std::int64_t height, const Encoded& file, std::string_view format) {
  constexpr std::int64_t kMaxEdge = std::numeric_limits<std::int32_t>::max();
  require(width > 0 && height > 0 && width <= kMaxEdge && height <= kMaxEdge,
          "[{}] {}: expected a picture with pixels, found a size of {}x{}", file.origin, format, width, height);
  require(width * height <= file.max_pixels, "[{}] {}: expected at most {} pixels, found {}x{}", file.origin, format,
          file.max_pixels, width, height);
  return Bitmap(static_cast<int>(width), static_cast<int>(height));
}

Bitmap decode(std::span<const std::byte> encoded, std::string_view origin, const DecodeOptions& options) {
  const std::string_view text(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  const Encoded file{encoded, origin, options.max_pixels};
  require(!text.empty(), "[{}] image: expected JPEG, PNG or WebP, found no bytes", origin);
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

bool begins_as_picture(std::string_view start) {
  return start.starts_with(kJpeg) || start.starts_with(kPng) || is_webp(start);
}

}  // namespace e5v::image

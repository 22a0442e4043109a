#include "image/decode.h"

#include <limits>
#include <string>

#include "base/error.h"
#include "base/foreign_file.h"
#include "image/format.h"
#include "image/orientation.h"

namespace e5v::image {
namespace {

/// What can be done about a file that is no image.
std::string_view remedy_for(ForeignKind kind) {
  switch (kind) {
    case ForeignKind::image:
      return "; convert it to PNG or JPEG, for example with ImageMagick: magick INPUT OUTPUT.png";
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
  fail<InvalidInput>("[{}] image: expected {}, found {}{}{}", origin, kFormatNames, found.name, start,
                     remedy_for(found.kind));
}

const Format& known_format(std::span<const std::byte> encoded, std::string_view origin) {
  const std::string_view text(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  const Format* format = format_of(text);
  if (format == nullptr) refuse(text, origin);
  return *format;
}

}  // namespace

Bitmap decode(std::span<const std::byte> encoded, std::string_view origin, const DecodeOptions& options) {
  const Codec& codec = codec_of(known_format(encoded, origin), origin);
  const Encoded file{encoded, origin, options.max_pixels, options.drop_alpha};
  Bitmap bitmap = codec.decode(file);
  if (!options.apply_exif || codec.orientation == nullptr) return bitmap;
  return oriented(std::move(bitmap), codec.orientation(file));
}

ImageHeader read_header(std::span<const std::byte> encoded, std::string_view origin) {
  const Format& format = known_format(encoded, origin);
  const Codec& codec = codec_of(format, origin);
  const Encoded file{encoded, origin, std::numeric_limits<std::int64_t>::max()};
  const StoredSize size = codec.size(file);
  check_size(size.width, size.height, file, format.name);
  return {format.name, size.width, size.height, codec.orientation == nullptr ? 1 : codec.orientation(file)};
}

bool begins_as_image(std::string_view start) { return format_of(start) != nullptr; }

}  // namespace e5v::image

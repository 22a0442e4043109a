#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "image/bitmap.h"

namespace e5v::image {

struct DecodeOptions {
  bool apply_exif = true;                 ///< turn the picture as its EXIF orientation says
  std::int64_t max_pixels = 178'956'970;  ///< width x height above this is refused from the header; PIL's own limit
  bool drop_alpha = false;                ///< take the colours of transparent pixels instead of laying them on white
};

/// Decodes a JPEG, PNG or WebP file (told by its content, not by a name) to RGB, byte for byte as PIL does: with
/// drop_alpha Image.open(file).convert("RGB"), else what transformers' convert_to_rgb makes of it (from 5.21 on), which
/// lays what has alpha or a transparent colour on white. 16-bit grey is clipped at 255, other 16-bit samples keep their
/// high byte, colours beyond the end of a palette are black, CMYK is read as Adobe writes it (inverted), of an
/// animation the first frame is taken. Where PIL shrugs at a damaged checksum this refuses the file. `encoded` is the
/// whole file; `origin` (a file name, "item 7") leads the messages. Throws InvalidInput: empty, another format, damaged
/// or cut short, more pixels than options.max_pixels.
Bitmap decode(std::span<const std::byte> encoded, std::string_view origin, const DecodeOptions& options = {});

/// Whether the first bytes of a file are those of a JPEG, PNG or WebP file: kSignatureBytes of them tell.
bool begins_as_picture(std::string_view start);
inline constexpr std::size_t kSignatureBytes = 12;

}  // namespace e5v::image

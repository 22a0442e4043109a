#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "image/bitmap.h"

namespace e5v::image {

struct DecodeOptions {
  bool apply_exif = true;                 ///< turn the image upright by its EXIF orientation
  std::int64_t max_pixels = 178'956'970;  ///< maximum width x height, checked in the header; PIL's own limit
  bool drop_alpha = false;                ///< use the colours of transparent pixels instead of laying them on white
};

/// Decodes an image file to RGB: JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF, or the largest JPEG preview in a camera's
/// raw file. The format is recognised by the content (image/format). The bytes are those of PIL: with drop_alpha, those
/// of Image.open(file).convert("RGB"); otherwise those of transformers' convert_to_rgb (from 5.21 on), which lays
/// images with alpha or a transparent colour on white. 16-bit grey is clipped at 255, other 16-bit samples keep their
/// high byte, colours beyond the end of a palette are black, CMYK is read as Adobe writes it (inverted), and an
/// animation or a TIFF of several pages gives its first frame. A file with a damaged checksum is refused, although PIL
/// may accept it. `encoded` is the whole file; messages begin with `origin` (a file name, "item 7"). Throws
/// InvalidInput when the file is empty, of another format, damaged or cut short, or has more pixels than
/// options.max_pixels.
Bitmap decode(std::span<const std::byte> encoded, std::string_view origin, const DecodeOptions& options = {});

/// What a file says of its image.
struct ImageHeader {
  std::string_view format;             ///< "JPEG"
  std::int64_t width = 0, height = 0;  ///< of the image as it is stored; for a raw file, of its preview
  int orientation = 1;                 ///< 1 to 8, as in EXIF; from 5 on, the upright image is `height` wide
};

/// Reads the header of an image file without decoding pixels. Throws InvalidInput when it is of another format or its
/// header is damaged. Other damage is not found.
ImageHeader read_header(std::span<const std::byte> encoded, std::string_view origin);

/// Whether a file begins like one of these formats. kSignatureBytes of it (image/format) are enough.
bool begins_as_image(std::string_view start);

}  // namespace e5v::image

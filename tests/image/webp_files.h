#pragma once
#include <webp/encode.h>

#include "image_files.h"

// WebP files for the tests, put together of chunks.

namespace e5v::test {

inline std::string take_webp(std::uint8_t* encoded, std::size_t size) {
  const std::string file(reinterpret_cast<const char*>(encoded), size);
  WebPFree(encoded);
  return file;
}

/// The one chunk of a lossless file. Colours under full transparency are not kept.
inline std::string webp_chunk(const std::vector<std::uint8_t>& rgba, int width, int height) {
  std::uint8_t* encoded = nullptr;
  const std::size_t size = WebPEncodeLosslessRGBA(rgba.data(), width, height, width * 4, &encoded);
  return take_webp(encoded, size).substr(12);
}
inline std::string webp_chunk(const image::Bitmap& bitmap) {
  std::uint8_t* encoded = nullptr;
  const std::size_t size =
      WebPEncodeLosslessRGB(bitmap.pixels.data(), bitmap.width, bitmap.height, bitmap.width * 3, &encoded);
  return take_webp(encoded, size).substr(12);
}

/// What a file with chunks beside its image begins with. flags: 2 animation, 4 XMP, 8 EXIF, 16 alpha.
inline std::string webp_header(std::uint32_t flags, std::uint32_t width, std::uint32_t height) {
  return riff_chunk("VP8X", little_endian(flags, 4) + little_endian(width - 1, 3) + little_endian(height - 1, 3));
}

/// A lossy file of 40 x 30 equal pixels.
inline std::string lossy_webp() {
  const std::vector<std::uint8_t> rgb(40 * 30 * 3, 77);
  std::uint8_t* encoded = nullptr;
  const std::size_t size = WebPEncodeRGB(rgb.data(), 40, 30, 120, 80.0f, &encoded);
  return take_webp(encoded, size);
}

}  // namespace e5v::test

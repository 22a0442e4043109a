#pragma once
#include <gmock/gmock.h>
#include <zlib.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "golden.h"
#include "image/decode.h"

// Image files for the tests: the golden ones, and small ones put together here.

namespace e5v::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string from_hex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

inline std::string golden_image(const std::string& name) { return read_file(golden("images/" + name)); }

inline image::Bitmap decode_text(std::string_view file, const image::DecodeOptions& options = {}) {
  return image::decode(bytes_of(file), "test", options);
}

/// The message of the InvalidInput that decoding ends in, one line that names the file; "no error" without one.
inline std::string refusal_of(std::string_view file, const image::DecodeOptions& options = {}) {
  try {
    decode_text(file, options);
  } catch (const InvalidInput& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::StartsWith("[test] "), testing::Not(testing::HasSubstr("\n"))));
    return error.what();
  }
  return "no error";
}

template <class T>
std::uint32_t crc_of(const std::vector<T>& values, std::uint32_t before = 0) {
  return static_cast<std::uint32_t>(
      crc32(before, reinterpret_cast<const Bytef*>(values.data()), static_cast<uInt>(values.size() * sizeof(T))));
}

inline std::string little_endian(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

inline std::string big_endian(std::uint32_t value, int bytes) {
  const std::string text = little_endian(value, bytes);
  return {text.rbegin(), text.rend()};
}

inline std::string png_chunk(const std::string& name, const std::string& data) {
  const std::string body = name + data;
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size()), 4) + body + big_endian(static_cast<std::uint32_t>(crc), 4);
}

inline std::string zlib_compressed(const std::string& data) {
  std::string out(compressBound(data.size()), '\0');
  uLongf size = out.size();
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(data.data()), data.size());
  return out.substr(0, size);
}

struct PngHeader {
  std::uint32_t width = 1, height = 1;
  int depth = 8, color = 2, interlace = 0;
};

/// A PNG around `scanlines` (each led by its filter byte); `extra` are chunks put before the data.
inline std::string make_png(const PngHeader& h, const std::string& scanlines, const std::string& extra = "") {
  std::string ihdr = big_endian(h.width, 4) + big_endian(h.height, 4);
  for (const int value : {h.depth, h.color, 0, 0, h.interlace}) ihdr += static_cast<char>(value);
  return "\x89PNG\r\n\x1A\n" + png_chunk("IHDR", ihdr) + extra + png_chunk("IDAT", zlib_compressed(scanlines)) +
         png_chunk("IEND", "");
}

/// A RIFF chunk as WebP files hold them.
inline std::string riff_chunk(const std::string& name, const std::string& data) {
  return name + little_endian(static_cast<std::uint32_t>(data.size()), 4) + data + std::string(data.size() & 1, '\0');
}

inline std::string webp_file(const std::string& chunks) { return riff_chunk("RIFF", "WEBP" + chunks); }

/// An EXIF block with one entry, the orientation.
inline std::string exif_block(std::uint32_t orientation, bool big, bool header = true) {
  const auto number = [&](std::uint32_t value, int bytes) {
    return big ? big_endian(value, bytes) : little_endian(value, bytes);
  };
  return std::string(header ? std::string("Exif\0\0", 6) : "") + (big ? "MM" : "II") + number(42, 2) + number(8, 4) +
         number(1, 2) + number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2) +
         number(0, 4);
}

/// A JPEG with a segment put right after its start marker.
inline std::string with_segment(const std::string& jpeg, int marker, const std::string& data) {
  return jpeg.substr(0, 2) + '\xFF' + static_cast<char>(marker) +
         big_endian(static_cast<std::uint32_t>(data.size() + 2), 2) + data + jpeg.substr(2);
}

}  // namespace e5v::test

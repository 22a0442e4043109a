#include "image/orientation.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/parallel.h"

namespace e5v::image {
namespace {

using Bytes = std::span<const std::byte>;

/// Reads numbers out of bytes, either end first; nothing past the end is ever touched.
class Reader {
 public:
  Reader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<std::uint32_t> number(std::size_t offset, std::size_t width) const {
    if (offset > bytes_.size() || bytes_.size() - offset < width) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t at = big_endian_ ? i : width - 1 - i;
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[offset + at]);
    }
    return value;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

bool starts_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

Bytes tail(Bytes bytes, std::size_t offset) { return bytes.subspan(std::min(offset, bytes.size())); }

// PNG and RIFF are both lists of (length, four-letter name, data): finds the data of the first such chunk.
// `big_endian` and `trailer` are PNG's (a checksum follows the data); a RIFF chunk is padded to an even length instead.
struct ChunkList {
  std::size_t start;
  bool big_endian;
  std::size_t name_offset, length_offset, trailer;
};

Bytes find_chunk(Bytes file, const ChunkList& list, std::string_view name) {
  const Reader read(file, list.big_endian);
  std::size_t at = list.start;
  while (const auto length = read.number(at + list.length_offset, 4)) {
    if (file.size() < at + 8) break;
    const Bytes data = tail(file, at + 8);
    if (data.size() < *length) break;
    if (starts_with(tail(file, at + list.name_offset), name)) return data.first(*length);
    const std::size_t padding = list.big_endian ? 0 : *length & 1;
    at += std::size_t{8} + *length + padding + list.trailer;
  }
  return {};
}

constexpr bool swaps_axes(int orientation) { return orientation >= 5; }

}  // namespace

int exif_orientation(Bytes exif) {
  using namespace std::string_view_literals;
  constexpr std::uint32_t kOrientation = 0x0112, kShort = 3, kLong = 4;
  if (starts_with(exif, "Exif\0\0"sv)) exif = exif.subspan(6);
  const bool big_endian = starts_with(exif, "MM");
  if (!big_endian && !starts_with(exif, "II")) return 1;
  const Reader read(exif, big_endian);
  const auto magic = read.number(2, 2);
  if (magic != 42u && magic != 42u << 8) return 1;  // some writers swap the bytes of this number only
  const auto directory = read.number(4, 4);
  const auto count = directory ? read.number(*directory, 2) : std::nullopt;
  if (!count) return 1;
  int orientation = 1;
  for (std::uint32_t i = 0; i < *count; ++i) {
    const std::size_t entry = std::size_t{*directory} + 2 + std::size_t{i} * 12;
    const auto tag = read.number(entry, 2), type = read.number(entry + 2, 2), values = read.number(entry + 4, 4);
    if (!tag || !type || !values) break;
    if (*tag != kOrientation || *values != 1 || (*type != kShort && *type != kLong)) continue;
    const auto value = read.number(entry + 8, *type == kShort ? 2 : 4);
    if (value && *value >= 1 && *value <= 8) orientation = static_cast<int>(*value);
  }
  return orientation;
}

int jpeg_orientation(Bytes file) {
  using namespace std::string_view_literals;
  constexpr std::uint32_t kStartOfScan = 0xDA, kApp1 = 0xE1, kEndOfImage = 0xD9;
  const Reader read(file, true);
  std::size_t at = 2;
  while (const auto byte = read.number(at, 1)) {
    const auto marker = read.number(at + 1, 1);
    if (!marker) break;
    if (*byte != 0xFF || *marker == 0xFF || *marker == 0x00) {  // padding, or junk between segments
      ++at;
      continue;
    }
    if (*marker == kStartOfScan || *marker == kEndOfImage) break;
    const bool bare = (*marker >= 0xD0 && *marker <= 0xD8) || *marker == 0x01;
    const auto length = bare ? std::optional<std::uint32_t>(0) : read.number(at + 2, 2);
    if (!length || (!bare && *length < 2)) break;
    const Bytes data = tail(file, at + 4);
    if (*marker == kApp1 && starts_with(data, "Exif\0"sv))
      return exif_orientation(data.first(std::min<std::size_t>(data.size(), *length - 2)));
    at += 2 + *length;
  }
  return 1;
}

int png_orientation(Bytes file) {
  return exif_orientation(
      find_chunk(file, {.start = 8, .big_endian = true, .name_offset = 4, .length_offset = 0, .trailer = 4}, "eXIf"));
}

int webp_orientation(Bytes file) {
  return exif_orientation(
      find_chunk(file, {.start = 12, .big_endian = false, .name_offset = 0, .length_offset = 4, .trailer = 0}, "EXIF"));
}

Bitmap oriented(Bitmap stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  const int w = stored.width, h = stored.height;
  Bitmap upright = swaps_axes(orientation) ? Bitmap(h, w) : Bitmap(w, h);
  // Row y of the result walks the stored picture from `first` in steps of (dx, dy).
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  parallel_for(upright.height, 64, [&](std::int64_t index) {
    const int y = static_cast<int>(index);
    const int along = swaps_axes(orientation) ? (from_right ? w - 1 - y : y) : (from_bottom ? h - 1 - y : y);
    std::uint8_t* out = upright.row(y);
    for (int x = 0; x < upright.width; ++x, out += 3) {
      const int across = swaps_axes(orientation) ? (from_bottom ? h - 1 - x : x) : (from_right ? w - 1 - x : x);
      const std::uint8_t* in = swaps_axes(orientation) ? stored.row(across) + 3 * static_cast<std::size_t>(along)
                                                       : stored.row(along) + 3 * static_cast<std::size_t>(across);
      out[0] = in[0], out[1] = in[1], out[2] = in[2];
    }
  });
  return upright;
}

}  // namespace e5v::image

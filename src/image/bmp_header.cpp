#include "image/bmp_header.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "image/byte_reader.h"

namespace e5v::image {
namespace {

constexpr std::size_t kFileHeader = 14;
constexpr std::uint32_t kOs2Header = 12, kWindows3Header = 40;
enum Compression : std::uint32_t { kNone = 0, kRuns8 = 1, kRuns4 = 2, kMasks = 3 };

/// Masks of red, green, blue and alpha.
using Masks = std::array<std::uint32_t, 4>;

// The layouts of 32 bits that Pillow reads. Without any mask, they are those of Windows.
constexpr std::array<Masks, 8> kMasks32 = {{
    {0xFF0000, 0xFF00, 0xFF, 0},
    {0xFF000000, 0xFF0000, 0xFF00, 0},
    {0xFF000000, 0xFF00, 0xFF, 0},
    {0xFF000000, 0xFF0000, 0xFF00, 0xFF},
    {0xFF, 0xFF00, 0xFF0000, 0xFF000000},
    {0xFF0000, 0xFF00, 0xFF, 0xFF000000},
    {0xFF000000, 0xFF00, 0xFF, 0xFF0000},
    {0, 0, 0, 0},
}};
constexpr Masks kBgra = {0xFF0000, 0xFF00, 0xFF, 0xFF000000}, kBgr = {0xFF0000, 0xFF00, 0xFF, 0},
                k565 = {0xF800, 0x7E0, 0x1F, 0}, k555 = {0x7C00, 0x3E0, 0x1F, 0};

/// Reads one after the other the fields of a file.
class BmpFields {
 public:
  explicit BmpFields(const Encoded& file) : file_(file), read_(file.bytes, false) {}

  std::uint32_t at(std::size_t offset, std::size_t width) const {
    const auto value = read_.number(offset, width);
    require(value.has_value(), "[{}] BMP: expected a header, found a file cut short at {} bytes", file_.origin,
            file_.size());
    return *value;
  }

 private:
  Encoded file_;
  ByteReader read_;
};

BmpMask mask_of(std::uint32_t bits) { return {std::popcount(bits), bits == 0 ? 0 : std::countr_zero(bits)}; }

void set_masks(BmpHeader& header, const Masks& masks) {
  for (std::size_t c = 0; c < 3; ++c) header.color[c] = mask_of(masks[c]);
  header.alpha = mask_of(masks[3]);
}

/// The masks in the file. Those of the shortest header follow it, without one of alpha. Longer ones contain them.
Masks stored_masks(const BmpFields& fields, std::uint32_t header_size) {
  constexpr std::size_t kPlace = kFileHeader + 40;
  const std::size_t count = header_size == kWindows3Header || header_size == 52 ? 3 : 4;
  Masks masks{};
  for (std::size_t i = 0; i < count; ++i) masks[i] = fields.at(kPlace + 4 * i, 4);
  return masks;
}

bool known_masks(int bits, const Masks& masks) {
  if (bits == 32) return std::ranges::count(kMasks32, masks) > 0;
  const Masks opaque = {masks[0], masks[1], masks[2], 0};
  return (bits == 24 && opaque == kBgr) || (bits == 16 && (opaque == k565 || opaque == k555));
}

void read_masks(BmpHeader& header, const BmpFields& fields, std::uint32_t header_size, std::uint32_t compression,
                const Encoded& file) {
  if (header.bits <= 8) return;
  if (compression != kMasks) return set_masks(header, header.bits == 16 ? k555 : kBgr);
  Masks masks = stored_masks(fields, header_size);
  require(known_masks(header.bits, masks),
          "[{}] BMP: expected a usual layout of {} bits, found the masks {:x}, {:x}, {:x}, {:x}", file.origin,
          header.bits, masks[0], masks[1], masks[2], masks[3]);
  if (header.bits == 32 && masks == Masks{}) masks = kBgra;
  if (header.bits < 32) masks[3] = 0;
  set_masks(header, masks);
}

}  // namespace

BmpHeader read_bmp_header(const Encoded& file) {
  constexpr std::array<std::uint32_t, 7> kHeaderSizes = {kOs2Header, kWindows3Header, 52, 56, 64, 108, 124};
  const BmpFields fields(file);
  const std::uint32_t size = fields.at(kFileHeader, 4), offset = fields.at(10, 4);
  require(std::ranges::count(kHeaderSizes, size) > 0, "[{}] BMP: expected a header of Windows or OS/2, found {} bytes",
          file.origin, size);
  fields.at(kFileHeader + size - 1, 1);
  BmpHeader header;
  std::uint32_t compression = kNone;
  if (size == kOs2Header) {
    header.width = fields.at(18, 2), header.height = fields.at(20, 2), header.bits = static_cast<int>(fields.at(24, 2));
    header.color_bytes = 3;
  } else {
    header.width = fields.at(18, 4), header.height = fields.at(22, 4), header.bits = static_cast<int>(fields.at(28, 2));
    header.top_down = header.height >> 24 == 0xFF;
    if (header.top_down) header.height = (std::int64_t{1} << 32) - header.height;
    compression = fields.at(30, 4), header.colors = fields.at(46, 4), header.color_bytes = 4;
  }
  constexpr std::array kDepths = {1, 4, 8, 16, 24, 32};
  require(std::ranges::count(kDepths, header.bits) > 0,
          "[{}] BMP: expected 1, 4, 8, 16, 24 or 32 bits for a pixel, found {}", file.origin, header.bits);
  header.run_length = (compression == kRuns8 && header.bits == 8) || (compression == kRuns4 && header.bits == 4);
  require(header.run_length || compression == kNone || (compression == kMasks && header.bits > 8),
          "[{}] BMP: expected pixels without compression, or in runs, found compression {} of {} bits", file.origin,
          compression, header.bits);
  read_masks(header, fields, size, compression, file);
  header.palette = kFileHeader + size;
  if (header.bits <= 8 && header.colors == 0) header.colors = std::size_t{1} << header.bits;
  require(header.bits > 8 || header.colors <= 65536, "[{}] BMP: expected at most 65536 colours, found {}", file.origin,
          header.colors);
  const std::size_t masks_end = header.palette + (compression == kMasks && size == kWindows3Header ? 12 : 0);
  const std::size_t colors_end = header.bits <= 8 ? header.palette + header.colors * header.color_bytes : masks_end;
  // Some writers do not count the palette.
  header.pixels = offset == 0 || (offset == header.palette && header.bits <= 8) ? colors_end : offset;
  return header;
}

}  // namespace e5v::image

#include "image/exif.h"

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "image/byte_reader.h"

namespace e5v::image {
namespace {

using namespace std::string_view_literals;

// The types of TIFF's values. Source: TIFF 6.0, section 2, and its later additions.
enum Type : std::uint32_t {
  kByte = 1,
  kAscii,
  kShort,
  kLong,
  kRational,
  kSignedByte,
  kUndefined,
  kSignedShort,
  kSignedLong,
  kSignedRational,
  kFloat,
  kDouble,
  kIfd,
  kLong8 = 16
};

/// The bytes of a value; 0 for an unknown type.
std::size_t size_of(std::uint32_t type) {
  constexpr std::array<std::size_t, 17> kSizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

/// Files give the orientation as a SHORT. Other types of numbers are read as in Pillow; letters and plain bytes are no
/// number.
double number_at(const ByteReader& read, std::size_t at, std::uint32_t type) {
  const std::uint64_t bits = read.wide_number(at, size_of(type)).value_or(0);
  const auto first = read.number(at, 4).value_or(0), second = read.number(at + 4, 4).value_or(0);
  switch (type) {
    case kShort:
    case kLong:
    case kIfd:
    case kLong8: return static_cast<double>(bits);
    case kSignedByte: return static_cast<std::int8_t>(bits);
    case kSignedShort: return static_cast<std::int16_t>(bits);
    case kSignedLong: return static_cast<std::int32_t>(bits);
    case kFloat: return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    case kDouble: return std::bit_cast<double>(bits);
    case kRational: return static_cast<double>(first) / second;
    case kSignedRational:
      return static_cast<double>(static_cast<std::int32_t>(first)) / static_cast<std::int32_t>(second);
    default: return 0;
  }
}

int turn_of(double value) {
  for (int orientation = 2; orientation <= 8; ++orientation)
    if (value == orientation) return orientation;
  return 1;
}

}  // namespace

// Continues where Pillow continues, and stops where Pillow stops (at a value outside of the file).
std::optional<int> exif_orientation(Bytes exif) {
  constexpr std::uint32_t kOrientation = 0x0112;
  constexpr std::size_t kEntry = 12;
  constexpr std::string_view kHeader = "Exif\0\0"sv;
  for (int i = 0; i < 2 && starts_with(exif, kHeader); ++i) exif = exif.subspan(kHeader.size());
  if (exif.empty()) return std::nullopt;
  const bool big_endian = starts_with(exif, "MM");
  const ByteReader read(exif, big_endian);
  const auto magic = read.number(2, 2), directory = read.number(4, 4);
  // Some writers swap only the bytes of this number.
  if (!(big_endian || starts_with(exif, "II")) || !directory || (*magic != 42 && *magic != 42 << 8)) return 1;
  const std::uint32_t count = read.number(*directory, 2).value_or(0);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = std::size_t{*directory} + 2 + i * kEntry;
    const auto tag = read.number(entry, 2), type = read.number(entry + 2, 2), values = read.number(entry + 4, 4);
    const auto place = read.number(entry + 8, 4);
    if (!place) break;
    const std::uint64_t size = std::uint64_t{*values} * size_of(*type);
    if (size == 0) continue;
    std::size_t at = entry + 8;
    if (size > 4) {
      at = *place;
      if ((total += size) > exif.size()) continue;
      if (at + size > exif.size()) break;
    }
    if (*tag == kOrientation) return turn_of(number_at(read, at, *type));
  }
  return std::nullopt;
}

}  // namespace e5v::image

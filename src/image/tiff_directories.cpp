#include "image/tiff_directories.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "image/byte_reader.h"

namespace e5v::image {
namespace {

enum Tag : std::uint32_t { kCompression = 259, kPhotometric = 262, kSubDirectories = 330, kDngVersion = 50706 };

constexpr std::array<std::uint32_t, 2> kFilterArrays = {32803, 34892};  // as it is, and with the colours completed

/// Of Sony, Nikon, Pentax, Samsung and Kodak.
constexpr std::array<std::uint32_t, 6> kCameraCompressions = {32767, 34713, 65535, 32770, 32772, 65000};

/// The directories of a TIFF, each once: those of the chain, and those that they contain.
class Directories {
 public:
  explicit Directories(Bytes file) : read_(file, starts_with(file, "MM")) {
    if (const auto first = read_.number(4, 4)) open_.push_back(*first);
  }

  bool any_of_camera() {
    constexpr std::size_t kMaxDirectories = 64;
    for (std::size_t i = 0; i < open_.size() && i < kMaxDirectories; ++i)
      if (is_of_camera(open_[i])) return true;
    return false;
  }

 private:
  void add(std::uint32_t place) {
    if (place != 0 && std::ranges::count(open_, place) == 0) open_.push_back(place);
  }

  /// Also adds the directories to which this one points.
  bool is_of_camera(std::size_t place) {
    constexpr std::size_t kEntry = 12;
    constexpr std::uint32_t kShort = 3, kMaxChildren = 16;
    const std::uint32_t count = read_.number(place, 2).value_or(0);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t entry = place + 2 + i * kEntry;
      const auto tag = read_.number(entry, 2), type = read_.number(entry + 2, 2), values = read_.number(entry + 4, 4);
      const auto value = read_.number(entry + 8, type == kShort ? 2 : 4);
      if (!value) return false;
      if (*tag == kDngVersion) return true;
      if (*tag == kPhotometric && std::ranges::count(kFilterArrays, *value) > 0) return true;
      if (*tag == kCompression && std::ranges::count(kCameraCompressions, *value) > 0) return true;
      if (*tag != kSubDirectories) continue;
      if (*values == 1) add(*value);
      for (std::uint32_t child = 0; *values > 1 && child < std::min(*values, kMaxChildren); ++child)
        add(read_.number(*value + std::size_t{4} * child, 4).value_or(0));
    }
    add(read_.number(place + 2 + count * kEntry, 4).value_or(0));
    return false;
  }

  ByteReader read_;
  std::vector<std::uint32_t> open_;
};

}  // namespace

bool is_raw_tiff(Bytes file) {
  constexpr std::size_t kMaker = 8;  // where Canon and Phase One put their mark
  const Bytes mark = tail(file, kMaker);
  if (starts_with(mark, "CR") || starts_with(mark, "IIII")) return true;
  return Directories(file).any_of_camera();
}

}  // namespace e5v::image

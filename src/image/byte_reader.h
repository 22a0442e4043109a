#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace e5v::image {

using Bytes = std::span<const std::byte>;

/// Reads numbers of either byte order. Never reads past the end.
class ByteReader {
 public:
  ByteReader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  /// A number of at most 8 bytes.
  std::optional<std::uint64_t> wide_number(std::size_t offset, std::size_t width) const {
    if (offset > bytes_.size() || bytes_.size() - offset < width) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t at = big_endian_ ? i : width - 1 - i;
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[offset + at]);
    }
    return value;
  }

  /// A number of at most 4 bytes.
  std::optional<std::uint32_t> number(std::size_t offset, std::size_t width) const {
    const auto value = wide_number(offset, width);
    if (!value) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

inline bool starts_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

inline Bytes tail(Bytes bytes, std::size_t offset) { return bytes.subspan(std::min(offset, bytes.size())); }

}  // namespace e5v::image

#include "base/base64.h"

#include <array>
#include <cstdint>

namespace e5v {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kSkipped = 64, kPadding = 65, kWrong = 66;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kWrong);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  values['-'] = 62;
  values['_'] = 63;
  for (const unsigned char blank : {' ', '\t', '\r', '\n'}) values[blank] = kSkipped;
  values['='] = kPadding;
  return values;
}();

std::uint32_t octet_at(std::string_view bytes, std::size_t i) { return static_cast<unsigned char>(bytes[i]); }

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  const auto append = [&](std::uint32_t group, int digits) {
    for (int i = 0; i < 4; ++i) text += i < digits ? kDigits[(group >> (18 - 6 * i)) & 63u] : '=';
  };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3)
    append((octet_at(bytes, i) << 16) | (octet_at(bytes, i + 1) << 8) | octet_at(bytes, i + 2), 4);
  if (i + 1 == bytes.size()) append(octet_at(bytes, i) << 16, 2);
  if (i + 2 == bytes.size()) append((octet_at(bytes, i) << 16) | (octet_at(bytes, i + 1) << 8), 3);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t group = 0;
  int digits = 0;  // in the group
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value == kSkipped) continue;
    if (value == kPadding) break;
    if (value == kWrong) return std::nullopt;
    group = (group << 6) | value;
    if (++digits < 4) continue;
    for (int shift = 16; shift >= 0; shift -= 8) bytes += static_cast<char>((group >> shift) & 255u);
    group = 0;
    digits = 0;
  }
  for (; i < text.size(); ++i) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value != kPadding && value != kSkipped) return std::nullopt;
  }
  if (digits == 1) return std::nullopt;
  if (digits >= 2) bytes += static_cast<char>((group >> (digits == 2 ? 4 : 10)) & 255u);
  if (digits == 3) bytes += static_cast<char>((group >> 2) & 255u);
  return bytes;
}

}  // namespace e5v

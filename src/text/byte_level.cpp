#include "text/byte_level.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace e5v::text {
namespace {

struct Alphabet {
  std::array<std::string, 256> characters;  // of each byte, in UTF-8
  std::array<std::int16_t, 0x180> bytes;    // of each character, -1 outside the alphabet

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
      const char32_t character = printable ? byte : next++;
      append_utf8(characters[byte], character);
      bytes[character] = static_cast<std::int16_t>(byte);
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

std::string to_byte_level(std::string_view bytes) {
  const Alphabet& table = alphabet();
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  for (const char byte : bytes) out.append(table.characters[static_cast<unsigned char>(byte)]);
  return out;
}

std::optional<std::string> from_byte_level(std::string_view token) {
  const Alphabet& table = alphabet();
  std::string out;
  for (std::size_t at = 0; at < token.size();) {
    const CodePoint point = code_point_at(token, at);
    at += point.length;
    if (point.value >= table.bytes.size() || table.bytes[point.value] < 0) return std::nullopt;
    out.push_back(static_cast<char>(table.bytes[point.value]));
  }
  return out;
}

}  // namespace e5v::text

#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace e5v::text {

/// GPT-2's alphabet of byte-level vocabularies. Each byte is written as one printable character: the byte itself if it
/// is printable in Latin-1, otherwise a character from U+0100 on (a blank is U+0120). Source: bytes_to_unicode() of
/// openai/gpt-2's encoder.py.

/// The bytes written in that alphabet.
std::string to_byte_level(std::string_view bytes);

/// The bytes of a token of such a vocabulary; nothing when it has a character outside the alphabet.
std::optional<std::string> from_byte_level(std::string_view token);

}  // namespace e5v::text

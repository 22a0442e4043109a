#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace e5v::text {

/// GPT-2's alphabet of byte-level vocabularies: each byte is written as one printable character, itself where it is
/// printable in Latin-1, otherwise U+0100 and on (a blank is U+0120). Source: bytes_to_unicode() of openai/gpt-2's
/// encoder.py.

/// The bytes written in that alphabet.
std::string to_byte_level(std::string_view bytes);

/// The bytes that a token of such a vocabulary stands for, or nothing when it holds a character outside the alphabet.
std::optional<std::string> from_byte_level(std::string_view token);

}  // namespace e5v::text

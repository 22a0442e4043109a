#include "base/utf8.h"

namespace e5v {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

bool is_continuation(unsigned byte) { return (byte & 0xC0) == 0x80; }

std::size_t length_from_lead(unsigned lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

/// Bytes of the sequence at `at` that are well-formed so far, and whether they make a whole code point.
struct Prefix {
  std::size_t length;
  bool whole;
};

Prefix longest_prefix(std::string_view bytes, std::size_t at) {
  const unsigned lead = byte_at(bytes, at);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  // The second byte alone decides about overlong forms, surrogates, and values above U+10FFFF.
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  const std::size_t expected = length_from_lead(lead);
  for (std::size_t k = 1; k < expected; ++k) {
    if (at + k == bytes.size()) return {k, false};
    const unsigned byte = byte_at(bytes, at + k);
    if (k == 1 ? byte < low || byte > high : !is_continuation(byte)) return {k, false};
  }
  return {expected, true};
}

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const unsigned lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = length_from_lead(lead);
  char32_t value = lead & (0x7Fu >> length);
  for (std::size_t k = 1; k < length; ++k) value = value << 6 | (byte_at(text, at + k) & 0x3F);
  return {value, length};
}

std::size_t previous_code_point(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && is_continuation(byte_at(text, at)));
  return at;
}

void append_utf8(std::string& out, char32_t value) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) return put(value);
  if (value < 0x800) {
    put(0xC0 | value >> 6);
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
  }
  put(0x80 | (value & 0x3F));
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Prefix prefix = longest_prefix(bytes, at);
    out.append(prefix.whole ? bytes.substr(at, prefix.length) : kReplacementCharacter);
    at += prefix.length;
  }
  return out;
}

bool is_white_space(char32_t value) {
  switch (value) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000: return true;
    default: return (value >= 0x09 && value <= 0x0D) || (value >= 0x2000 && value <= 0x200A);
  }
}

bool is_python_white_space(char32_t value) { return is_white_space(value) || (value >= 0x1C && value <= 0x1F); }

std::string_view python_stripped_left(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = code_point_at(text, 0);
    if (!is_python_white_space(point.value)) break;
    text.remove_prefix(point.length);
  }
  return text;
}

std::string_view python_stripped(std::string_view text) {
  text = python_stripped_left(text);
  while (!text.empty()) {
    const std::size_t last = previous_code_point(text, text.size());
    if (!is_python_white_space(code_point_at(text, last).value)) break;
    text = text.substr(0, last);
  }
  return text;
}

std::size_t skip_white_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const CodePoint point = code_point_at(text, at);
    if (!is_white_space(point.value)) break;
    at += point.length;
  }
  return at;
}

std::size_t skip_white_space_back(std::string_view text, std::size_t at, std::size_t from) {
  while (at > from) {
    const std::size_t before = previous_code_point(text, at);
    if (!is_white_space(code_point_at(text, before).value)) break;
    at = before;
  }
  return at;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  for (std::size_t at; (at = text.find(from, done)) != std::string_view::npos; done = at + from.size()) {
    out.append(text.substr(done, at - done)).append(to);
  }
  return out.append(text.substr(done));
}

}  // namespace e5v

#include "serve/vector_encoding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/base64.h"
#include "tensor/half.h"

namespace e5v::serve {
namespace {

/// Rounds to the 8-bit float e5m2 (arXiv:2209.05433): to nearest, ties to even. Numbers that are too large become
/// infinite.
std::uint8_t to_e5m2(float value) {
  const auto word = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (word >> 24) & 0x80u, magnitude = word & 0x7FFF'FFFFu;
  if (magnitude > 0x7F80'0000u) return static_cast<std::uint8_t>(sign | 0x7Fu);
  if (magnitude >= 0x4780'0000u) return static_cast<std::uint8_t>(sign | 0x7Cu);  // 65536 and above
  if (magnitude < 0x3880'0000u) {  // subnormal: adding 128 makes the FPU round to multiples of 2^-16
    const float shifted = std::bit_cast<float>(magnitude) + 128.0f;
    return static_cast<std::uint8_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x4300'0000u));
  }
  return static_cast<std::uint8_t>(sign | ((magnitude - 0x3800'0000u + 0xF'FFFFu + ((magnitude >> 21) & 1u)) >> 21));
}

template <class T, class Convert>
void append_as(std::string& out, std::span<const float> vector, ByteOrder order, Convert convert) {
  for (const float value : vector) {
    const T number = convert(value);
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), &number, sizeof(T));
    if (order == ByteOrder::big) std::reverse(bytes.begin(), bytes.end());
    out.append(bytes.data(), bytes.size());
  }
}

float scaled(float value) { return std::clamp(std::nearbyint(value * 127.0f), -127.0f, 127.0f); }

}  // namespace

void append_json(std::string& out, std::span<const float> vector) {
  std::array<char, 32> digits;
  out += '[';
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), vector[i]).ptr;
    out.append(digits.data(), end);
  }
  out += ']';
}

std::optional<NumberType> number_type_of(std::string_view name) {
  if (name == "float32") return NumberType::float32;
  if (name == "float16") return NumberType::float16;
  if (name == "bfloat16") return NumberType::bfloat16;
  if (name == "fp8_e4m3") return NumberType::fp8_e4m3;
  if (name == "fp8_e5m2") return NumberType::fp8_e5m2;
  return std::nullopt;
}

void append_bytes(std::string& out, std::span<const float> vector, NumberType type, ByteOrder order) {
  static_assert(std::endian::native == std::endian::little);
  switch (type) {
    case NumberType::float32: return append_as<float>(out, vector, order, [](float x) { return x; });
    case NumberType::float16:
      return append_as<std::uint16_t>(out, vector, order, [](float x) { return tensor::Half(x).bits; });
    case NumberType::bfloat16:
      return append_as<std::uint16_t>(out, vector, order, [](float x) { return tensor::BFloat16(x).bits; });
    case NumberType::fp8_e4m3:
      return append_as<std::uint8_t>(out, vector, order, [](float x) { return tensor::Float8(x).bits; });
    case NumberType::fp8_e5m2: return append_as<std::uint8_t>(out, vector, order, to_e5m2);
  }
}

std::vector<std::int8_t> to_int8(std::span<const float> vector) {
  std::vector<std::int8_t> numbers;
  numbers.reserve(vector.size());
  for (const float value : vector) numbers.push_back(static_cast<std::int8_t>(scaled(value)));
  return numbers;
}

std::vector<std::uint8_t> to_uint8(std::span<const float> vector) {
  std::vector<std::uint8_t> numbers;
  numbers.reserve(vector.size());
  for (const float value : vector) numbers.push_back(static_cast<std::uint8_t>(scaled(value) + 128.0f));
  return numbers;
}

std::vector<std::uint8_t> to_bits(std::span<const float> vector) {
  std::vector<std::uint8_t> bits((vector.size() + 7) / 8);
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (vector[i] >= 0) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | (0x80u >> (i % 8)));
  }
  return bits;
}

std::string to_base64(std::span<const float> vector, NumberType type, ByteOrder order) {
  std::string bytes;
  append_bytes(bytes, vector, type, order);
  return e5v::to_base64(bytes);
}

}  // namespace e5v::serve

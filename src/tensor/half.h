#pragma once
#include <bit>
#include <cstdint>

namespace e5v::tensor {

/// The upper half of an IEEE float32: 8 exponent and 7 fraction bits. Storage only; arithmetic is done in float.
struct BFloat16 {
  std::uint16_t bits = 0;

  BFloat16() = default;
  /// Rounds to nearest, ties to even. NaN stays NaN.
  explicit BFloat16(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const bool nan = (word & 0x7FFF'FFFFu) > 0x7F80'0000u;
    bits = static_cast<std::uint16_t>(nan ? (word >> 16) | 0x40u : (word + 0x7FFFu + ((word >> 16) & 1u)) >> 16);
  }
  explicit operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

/// IEEE binary16: 5 exponent and 10 fraction bits. Storage only; arithmetic is done in float.
struct Half {
  std::uint16_t bits = 0;

  Half() = default;
  /// Rounds to nearest, ties to even. Too large numbers become infinite; NaN stays NaN.
  explicit Half(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>((word >> 16) & 0x8000u);
    const std::uint32_t magnitude = word & 0x7FFF'FFFFu;
    if (magnitude >= 0x4780'0000u) {  // 65536 and above, infinity, NaN
      bits = static_cast<std::uint16_t>(sign | (magnitude > 0x7F80'0000u ? 0x7E00u : 0x7C00u));
    } else if (magnitude < 0x3880'0000u) {  // subnormal: adding 0.5 lets the FPU align and round the fraction
      const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
      bits = static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F00'0000u));
    } else {  // a carry out of the fraction correctly gives infinity
      bits = static_cast<std::uint16_t>(sign | ((magnitude - 0x3800'0000u + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13));
    }
  }
  explicit operator float() const {
    const std::uint32_t sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7FFFu;
    if (magnitude >= 0x7C00u) return std::bit_cast<float>(sign | 0x7F80'0000u | ((magnitude & 0x3FFu) << 13));
    if (magnitude >= 0x0400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x3800'0000u));
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
};

/// The 8-bit float e4m3 without infinities (arXiv:2209.05433): 4 exponent and 3 fraction bits, at most 448.
struct Float8 {
  static constexpr float kLargest = 448;
  std::uint8_t bits = 0;

  Float8() = default;
  /// Rounds to nearest, ties to even. Too large numbers and NaN become NaN.
  explicit Float8(float value) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint8_t>((word >> 24) & 0x80u);
    const std::uint32_t magnitude = word & 0x7FFF'FFFFu;
    std::uint32_t code = 0x7Fu;      // NaN
    if (magnitude < 0x3C80'0000u) {  // subnormal, below 2^-6: adding 2^14 lets the FPU align and round the fraction
      code = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0x1p14f) - 0x4680'0000u;
    } else if (magnitude <= 0x43E8'0000u) {  // up to 464, which is half way to the first number beyond the range
      code = (magnitude - 0x3C00'0000u + 0x7'FFFFu + ((magnitude >> 20) & 1u)) >> 20;
    }
    bits = static_cast<std::uint8_t>(sign | code);
  }
  bool is_nan() const { return (bits & 0x7Fu) == 0x7Fu; }
  explicit operator float() const {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x80u) << 24, magnitude = bits & 0x7Fu;
    if (is_nan()) return std::bit_cast<float>(sign | 0x7FC0'0000u);
    if (magnitude >= 8) return std::bit_cast<float>(sign | ((magnitude << 20) + 0x3C00'0000u));
    const float value = static_cast<float>(magnitude) * 0x1p-9f;
    return sign != 0 ? -value : value;
  }
};

}  // namespace e5v::tensor

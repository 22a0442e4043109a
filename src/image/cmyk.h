#pragma once
#include <cstdint>

namespace e5v::image {

/// The light of one colour that its ink leaves of `light`, which is what black ink leaves of 255. Source: PIL's CMYK to
/// RGB, with its rounded division by 255.
constexpr std::uint8_t through_ink(std::uint8_t light, std::uint8_t ink) {
  const int product = ink * light + 128;
  return static_cast<std::uint8_t>(light - ((product + (product >> 8)) >> 8));
}

}  // namespace e5v::image

#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace e5v::image {

/// A channel's byte with that opacity over white, rounded as in PIL.Image.alpha_composite over an opaque ground.
constexpr std::uint8_t over_white(std::uint8_t value, std::uint8_t alpha) {
  constexpr std::uint32_t kFraction = 7;  // fractional bits
  const std::uint32_t image = std::uint32_t{alpha} << kFraction, ground = (255u << kFraction) - image;
  const std::uint32_t sum = value * image + 255u * ground + (128u << kFraction);
  return static_cast<std::uint8_t>(((sum >> 8) + sum) >> 8 >> kFraction);  // sum / 255, rounded
}

/// A channel's byte before it was multiplied by its opacity. Source: PIL's RGBa to RGBA.
constexpr std::uint8_t without_opacity(std::uint8_t product, std::uint8_t alpha) {
  if (alpha == 0 || alpha == 255) return product;
  return static_cast<std::uint8_t>(std::min(255, 255 * product / alpha));
}

/// Replaces `count` pixels of RGBA by RGB over white, at the front of the same memory.
inline void lay_on_white(std::uint8_t* pixels, std::size_t count) {
  const std::uint8_t* rgba = pixels;
  for (std::size_t i = 0; i < count; ++i, rgba += 4, pixels += 3) {
    const std::uint8_t alpha = rgba[3];
    for (int c = 0; c < 3; ++c) pixels[c] = over_white(rgba[c], alpha);
  }
}

/// Replaces `count` pixels of RGBA by RGB at the front of the same memory, without their opacity.
inline void take_rgb(std::uint8_t* pixels, std::size_t count) {
  const std::uint8_t* rgba = pixels;
  for (std::size_t i = 0; i < count; ++i, rgba += 4, pixels += 3)
    for (int c = 0; c < 3; ++c) pixels[c] = rgba[c];
}

}  // namespace e5v::image

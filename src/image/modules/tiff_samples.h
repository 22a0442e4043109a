#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "image/codec.h"

/// What the samples of a TIFF mean, apart from how they are stored.
namespace e5v::image {

/// The values of the tags that describe a pixel. Source: TIFF 6.0.
struct TiffSamples {
  std::uint16_t bits = 1;       ///< of a sample
  std::uint16_t per_pixel = 1;  ///< samples: those of the colour, then extra ones
  std::uint16_t format = 1;     ///< 1 unsigned, 2 signed, 3 floating-point
  std::uint16_t photometric = 0;
  int extra = -1;                                 ///< meaning of the first extra sample; -1: not stated
  std::array<const std::uint16_t*, 3> palette{};  ///< 2^bits numbers of 16 bits for red, green and blue

  int colors() const;                                                ///< 1 (grey, or index of a colour), 3 or 4 (inks)
  bool has_alpha() const;                                            ///< the first extra sample is the opacity
  bool multiplied() const;                                           ///< and the colours are multiplied by it
  int channels() const { return colors() + (has_alpha() ? 1 : 0); }  ///< those that are used
};

/// Throws InvalidInput unless Pillow reads such samples, too.
void check_samples(const TiffSamples& samples, const Encoded& file);

/// Takes `count` samples of a stored row, of channel `channel`, as 8 bits, each `step` bytes after the last one. Grey
/// of less than 8 bits is scaled, grey of more bits is clipped at 255, and other samples keep their high byte.
void take_samples(const std::uint8_t* row, const TiffSamples& samples, int channel, std::int64_t count,
                  std::uint8_t* out, int step);

/// The image of such 8-bit samples, [height, width, channels], on white or without its opacity.
Bitmap colors_of(std::vector<std::uint8_t> bytes, const TiffSamples& samples, StoredSize size, bool on_white);

}  // namespace e5v::image

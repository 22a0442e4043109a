#include "image/modules/tiff_samples.h"

#include <tiff.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "image/alpha.h"
#include "image/cmyk.h"

namespace e5v::image {
namespace {

bool is_grey(const TiffSamples& samples) {
  return samples.photometric == PHOTOMETRIC_MINISWHITE || samples.photometric == PHOTOMETRIC_MINISBLACK ||
         (samples.photometric == PHOTOMETRIC_YCBCR && samples.per_pixel == 1);
}

/// A number of a type, from where it may be unaligned.
template <class T>
T number_at(const std::uint8_t* row, std::int64_t index) {
  T value;
  std::memcpy(&value, row + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

/// A number clipped to a byte. What is no number is black.
template <class T>
std::uint8_t clipped(T value) {
  if (!(value > 0)) return 0;
  return value >= 255 ? 255 : static_cast<std::uint8_t>(value);
}

template <class T>
void take_clipped(const std::uint8_t* row, int first, int stride, std::int64_t count, std::uint8_t* out, int step) {
  for (std::int64_t i = 0; i < count; ++i, out += step) *out = clipped(number_at<T>(row, first + i * stride));
}

void take_grey(const std::uint8_t* row, const TiffSamples& samples, int channel, std::int64_t count, std::uint8_t* out,
               int step) {
  const int stride = samples.per_pixel;
  if (samples.format == SAMPLEFORMAT_IEEEFP) return take_clipped<float>(row, channel, stride, count, out, step);
  // Pillow takes all 32-bit integers as signed.
  if (samples.bits == 32) return take_clipped<std::int32_t>(row, channel, stride, count, out, step);
  if (samples.format == SAMPLEFORMAT_INT) return take_clipped<std::int16_t>(row, channel, stride, count, out, step);
  take_clipped<std::uint16_t>(row, channel, stride, count, out, step);
}

}  // namespace

int TiffSamples::colors() const {
  switch (photometric) {
    case PHOTOMETRIC_RGB: return 3;
    case PHOTOMETRIC_YCBCR: return per_pixel == 1 ? 1 : 3;
    case PHOTOMETRIC_SEPARATED: return 4;
    default: return 1;
  }
}

bool TiffSamples::has_alpha() const {
  if (per_pixel <= colors() || photometric == PHOTOMETRIC_SEPARATED) return false;
  if (extra < 0) return photometric == PHOTOMETRIC_RGB && per_pixel == 4;
  return extra != EXTRASAMPLE_UNSPECIFIED;
}

bool TiffSamples::multiplied() const { return has_alpha() && extra == EXTRASAMPLE_ASSOCALPHA; }

void check_samples(const TiffSamples& samples, const Encoded& file) {
  const bool palette = samples.photometric == PHOTOMETRIC_PALETTE, grey = is_grey(samples);
  const bool direct = samples.photometric == PHOTOMETRIC_RGB || samples.photometric == PHOTOMETRIC_SEPARATED;
  const bool ycbcr = samples.photometric == PHOTOMETRIC_YCBCR;
  require(palette || grey || direct || ycbcr,
          "[{}] TIFF: expected grey, a palette, RGB, CMYK or YCbCr, found photometric interpretation {}", file.origin,
          samples.photometric);
  constexpr int kMaxSamples = 8;
  require(samples.per_pixel >= samples.colors() && samples.per_pixel <= kMaxSamples,
          "[{}] TIFF: expected {} to {} samples for a pixel, found {}", file.origin, samples.colors(), kMaxSamples,
          samples.per_pixel);
  const int bits = samples.bits;
  const bool small = bits == 1 || bits == 2 || bits == 4, integer = samples.format == SAMPLEFORMAT_UINT;
  const bool known = bits == 8 || (small && samples.per_pixel == 1 && (grey || palette)) ||
                     (bits == 16 && integer && (grey || direct)) ||
                     (grey && samples.per_pixel == 1 && bits == 16 && samples.format == SAMPLEFORMAT_INT) ||
                     (grey && samples.per_pixel == 1 && bits == 32 && samples.format <= SAMPLEFORMAT_IEEEFP);
  require(known, "[{}] TIFF: expected samples of a usual size, found {} bits of format {}", file.origin, bits,
          samples.format);
}

void take_samples(const std::uint8_t* row, const TiffSamples& samples, int channel, std::int64_t count,
                  std::uint8_t* out, int step) {
  const int stride = samples.per_pixel, bits = samples.bits;
  const bool inverted = samples.photometric == PHOTOMETRIC_MINISWHITE && bits <= 8;
  if (bits == 8) {
    for (std::int64_t i = 0; i < count; ++i) out[i * step] = row[channel + i * stride];
  } else if (bits < 8) {
    const int full = (1 << bits) - 1, scale = is_grey(samples) ? 255 / full : 1;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t bit = i * bits;
      out[i * step] = static_cast<std::uint8_t>((row[bit / 8] >> (8 - bits - bit % 8) & full) * scale);
    }
  } else if (is_grey(samples)) {
    take_grey(row, samples, channel, count, out, step);
  } else {
    for (std::int64_t i = 0; i < count; ++i)
      out[i * step] = static_cast<std::uint8_t>(number_at<std::uint16_t>(row, channel + i * stride) >> 8);
  }
  if (inverted && channel == 0)
    for (std::int64_t i = 0; i < count; ++i) out[i * step] = static_cast<std::uint8_t>(255 - out[i * step]);
}

namespace {

/// The colour of a pixel's samples.
void color_of(const std::uint8_t* in, const TiffSamples& samples, std::uint8_t* rgb) {
  switch (samples.colors()) {
    case 1:
      for (std::size_t c = 0; c < 3; ++c)
        rgb[c] = samples.photometric == PHOTOMETRIC_PALETTE ? static_cast<std::uint8_t>(samples.palette[c][in[0]] >> 8)
                                                            : in[0];
      break;
    case 4:
      for (int c = 0; c < 3; ++c) rgb[c] = through_ink(static_cast<std::uint8_t>(255 - in[3]), in[c]);
      break;
    default: std::copy_n(in, 3, rgb);
  }
}

}  // namespace

Bitmap colors_of(std::vector<std::uint8_t> bytes, const TiffSamples& samples, StoredSize size, bool on_white) {
  Bitmap bitmap;
  bitmap.width = static_cast<int>(size.width), bitmap.height = static_cast<int>(size.height);
  const int channels = samples.channels();
  if (channels == 3 && samples.colors() == 3) {
    bitmap.pixels = std::move(bytes);
    return bitmap;
  }
  bitmap.pixels.resize(static_cast<std::size_t>(size.width * size.height * 3));
  const std::uint8_t* in = bytes.data();
  for (std::size_t i = 0; i < bitmap.pixels.size(); i += 3, in += channels) {
    std::uint8_t* rgb = bitmap.pixels.data() + i;
    color_of(in, samples, rgb);
    if (!samples.has_alpha()) continue;
    const std::uint8_t alpha = in[samples.colors()];
    for (int c = 0; c < 3; ++c) {
      if (samples.multiplied()) rgb[c] = without_opacity(rgb[c], alpha);
      if (on_white) rgb[c] = over_white(rgb[c], alpha);
    }
  }
  return bitmap;
}

}  // namespace e5v::image

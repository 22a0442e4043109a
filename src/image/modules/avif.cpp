#include <avif/avif.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "image/alpha.h"
#include "image/codec_module.h"

// Pillow uses this library for AVIF, so the colours are those of Pillow: libheif decodes AVIF, too, but makes RGB of
// half-resolution colours in another way, and its decoder starts a thread for each core.

namespace e5v::image {
namespace {

struct AvifDestroyer {
  void operator()(avifDecoder* decoder) const { avifDecoderDestroy(decoder); }
};

void check(avifResult result, const Encoded& file) {
  require(result != AVIF_RESULT_TRUNCATED_DATA,
          "[{}] AVIF: expected the whole image, found a file cut short at {} bytes", file.origin, file.size());
  require(result == AVIF_RESULT_OK, "[{}] AVIF: expected decodable data, found: {}", file.origin,
          avifResultToString(result));
}

/// The containers of a file. No pixels are decoded.
std::unique_ptr<avifDecoder, AvifDestroyer> parsed(const Encoded& file) {
  std::unique_ptr<avifDecoder, AvifDestroyer> decoder(avifDecoderCreate());
  require<DeviceError>(decoder != nullptr, "[{}] AVIF: no memory for the decoder", file.origin);
  decoder->maxThreads = 1;
  decoder->ignoreExif = decoder->ignoreXMP = AVIF_TRUE;
  decoder->imageSizeLimit =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(file.max_pixels, 1, AVIF_DEFAULT_IMAGE_SIZE_LIMIT));
  decoder->strictFlags &= ~static_cast<avifStrictFlags>(AVIF_STRICT_CLAP_VALID | AVIF_STRICT_PIXI_REQUIRED);
  check(avifDecoderSetIOMemory(decoder.get(), file.data(), file.size()), file);
  check(avifDecoderParse(decoder.get()), file);
  return decoder;
}

Bitmap decode_avif(const Encoded& file) {
  const auto decoder = parsed(file);
  check_size(decoder->image->width, decoder->image->height, file, "AVIF");
  check(avifDecoderNextImage(decoder.get()), file);
  const avifImage* image = decoder->image;
  check_size(image->width, image->height, file, "AVIF");
  const std::size_t channels = decoder->alphaPresent != 0 ? 4 : 3;
  const std::size_t count = std::size_t{image->width} * image->height;
  Bitmap bitmap;
  bitmap.width = static_cast<int>(image->width), bitmap.height = static_cast<int>(image->height);
  bitmap.pixels.resize(count * channels);
  avifRGBImage target;
  avifRGBImageSetDefaults(&target, image);
  target.format = channels == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
  target.depth = 8;
  target.pixels = bitmap.pixels.data();
  target.rowBytes = static_cast<std::uint32_t>(channels * image->width);
  check(avifImageYUVToRGB(image, &target), file);
  if (channels == 4)
    file.drop_alpha ? take_rgb(bitmap.pixels.data(), count) : lay_on_white(bitmap.pixels.data(), count);
  bitmap.pixels.resize(count * 3);
  return bitmap;
}

StoredSize size_of(const Encoded& file) {
  const auto decoder = parsed(file);
  return {decoder->image->width, decoder->image->height};
}

/// The orientation that a rotation and a mirroring after it amount to; EXIF does not count. Source: ISO/IEC 23008-12,
/// 6.5.10 and 6.5.12, and PIL.AvifImagePlugin.
int avif_orientation(const Encoded& file) {
  const auto decoder = parsed(file);
  const avifImage& image = *decoder->image;
  const int turns = (image.transformFlags & AVIF_TRANSFORM_IROT) != 0 ? image.irot.angle & 3 : 0;  // to the left
  constexpr int kTurned[] = {1, 8, 3, 6}, kTopAndBottom[] = {4, 5, 2, 7}, kLeftAndRight[] = {2, 7, 4, 5};
  if ((image.transformFlags & AVIF_TRANSFORM_IMIR) == 0) return kTurned[turns];
#if AVIF_VERSION_MAJOR >= 1
  return image.imir.axis == 0 ? kTopAndBottom[turns] : kLeftAndRight[turns];
#else
  return image.imir.mode == 0 ? kTopAndBottom[turns] : kLeftAndRight[turns];
#endif
}

constexpr Codec kAvifCodec = {decode_avif, size_of, avif_orientation};

}  // namespace
}  // namespace e5v::image

extern "C" __attribute__((visibility("default"))) const e5v::image::Codec* e5v_open_codec_2() {
  return &e5v::image::kAvifCodec;
}

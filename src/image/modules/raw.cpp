#include <libraw/libraw.h>

#include <memory>
#include <optional>

#include "base/error.h"
#include "image/codec_module.h"
#include "image/exif.h"
#include "image/metadata.h"
#include "image/orientation.h"

// A camera's raw file. Its pixels are not developed: the image is the largest JPEG preview, as the camera made it.

namespace e5v::image {
namespace {

/// Finds the preview.
class RawFile {
 public:
  explicit RawFile(const Encoded& file) : raw_(std::make_unique<LibRaw>()) {
    // It only reads, although its interface has no const.
    auto* bytes = const_cast<std::uint8_t*>(file.data());
    const int opened = raw_->open_buffer(bytes, file.size());
    require(opened == LIBRAW_SUCCESS, "[{}] RAW: expected a raw file that libraw knows, found: {}", file.origin,
            libraw_strerror(opened));
    const int unpacked = raw_->unpack_thumb();
    require(unpacked == LIBRAW_SUCCESS && thumbnail().tformat == LIBRAW_THUMBNAIL_JPEG && thumbnail().thumb != nullptr,
            "[{}] RAW: expected an embedded JPEG preview, found {}; convert the file to JPEG with a raw developer",
            file.origin, unpacked == LIBRAW_SUCCESS ? "one of another format" : "none");
  }

  std::span<const std::byte> preview() const {
    return {reinterpret_cast<const std::byte*>(thumbnail().thumb), thumbnail().tlength};
  }

  /// The preview is stored as the sensor lay, unless its own metadata say more.
  int orientation() const {
    if (const auto exif = jpeg_metadata(preview()).exif)
      if (const auto stated = exif_orientation(std::as_bytes(std::span(*exif)))) return *stated;
    switch (raw_->imgdata.sizes.flip) {
      case 3: return 3;
      case 5: return 8;  // to the left
      case 6: return 6;  // to the right
      default: return 1;
    }
  }

 private:
  const libraw_thumbnail_t& thumbnail() const { return raw_->imgdata.thumbnail; }

  std::unique_ptr<LibRaw> raw_;
};

Encoded preview_in(const RawFile& raw, const Encoded& file) {
  Encoded preview = file;
  preview.bytes = raw.preview();
  return preview;
}

Bitmap decode_raw(const Encoded& file) {
  const RawFile raw(file);
  return kJpegCodec.decode(preview_in(raw, file));
}

StoredSize size_of(const Encoded& file) {
  const RawFile raw(file);
  return kJpegCodec.size(preview_in(raw, file));
}

constexpr Codec kRawCodec = {decode_raw, size_of, [](std::span<const std::byte> bytes) {
                               return RawFile({bytes, "RAW"}).orientation();
                             }};

}  // namespace
}  // namespace e5v::image

extern "C" __attribute__((visibility("default"))) const e5v::image::Codec* e5v_open_codec_1() {
  return &e5v::image::kRawCodec;
}

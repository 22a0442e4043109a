#include <libraw/libraw.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "image/byte_reader.h"
#include "image/codec_module.h"
#include "image/exif.h"
#include "image/metadata.h"
#include "image/orientation.h"

// A camera's raw file. Its pixels are not developed: the image is the largest JPEG preview, as the camera made it.

namespace e5v::image {
namespace {

/// Tells where the preview is.
class PreviewFinder : public LibRaw {
 public:
  std::int64_t offset() const { return libraw_internal_data.internal_data.toffset; }
  std::int64_t length() const { return imgdata.thumbnail.tlength; }
};

/// A file and its preview. libraw says where the preview is, and it is taken from there, because libraw's own
/// unpack_thumb (0.20) writes beyond its memory when a damaged file gives it a wrong size.
class RawFile {
 public:
  explicit RawFile(const Encoded& file) : raw_(std::make_unique<PreviewFinder>()) {
    // It only reads, although its interface has no const.
    auto* bytes = const_cast<std::uint8_t*>(file.data());
    const int opened = raw_->open_buffer(bytes, file.size());
    require(opened == LIBRAW_SUCCESS, "[{}] RAW: expected a raw file that libraw knows, found: {}", file.origin,
            libraw_strerror(opened));
    const std::int64_t offset = raw_->offset(), length = raw_->length(), end = static_cast<std::int64_t>(file.size());
    if (offset > 0 && length > 0 && offset < end)
      preview_ = file.bytes.subspan(static_cast<std::size_t>(offset),
                                    static_cast<std::size_t>(std::min(length, end - offset)));
    require(starts_with(preview_, "\xFF\xD8\xFF"),
            "[{}] RAW: expected an embedded JPEG preview, found none; convert the file to JPEG with a raw developer",
            file.origin);
  }

  std::span<const std::byte> preview() const { return preview_; }

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
  std::unique_ptr<PreviewFinder> raw_;
  Bytes preview_;
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

constexpr Codec kRawCodec = {decode_raw, size_of, [](const Encoded& file) { return RawFile(file).orientation(); }};

}  // namespace
}  // namespace e5v::image

extern "C" __attribute__((visibility("default"))) const e5v::image::Codec* e5v_open_codec_2() {
  return &e5v::image::kRawCodec;
}

#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "image/codec_module.h"
#include "image/exif.h"
#include "image/modules/tiff_samples.h"
#include "image/orientation.h"

// The first page of a TIFF. Source of what is not in the format's own text: PIL.TiffImagePlugin.

namespace e5v::image {
namespace {

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

/// A file in memory, and the first error that libtiff reports about it.
class TiffFile {
 public:
  explicit TiffFile(const Encoded& file);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* get() const { return tiff_.get(); }

  void check(bool fine) const {
    require(fine, "[{}] TIFF: expected decodable data, found: {}", file_.origin,
            message_[0] == '\0' ? "an error" : in_one_line());
  }

  template <class T>
  T field(std::uint32_t tag, T missing) const {
    T value = missing;
    return TIFFGetField(tiff_.get(), tag, &value) == 1 ? value : missing;
  }

 private:
  static TiffFile& file_of(thandle_t handle) { return *static_cast<TiffFile*>(handle); }
  static int on_error(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    auto& message = static_cast<TiffFile*>(self)->message_;
    if (message[0] == '\0') std::vsnprintf(message.data(), message.size(), format, arguments);
    return 1;
  }
  static int on_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

  tmsize_t read(void* target, tmsize_t count) {
    const std::size_t place = std::min<std::size_t>(position_, file_.size());
    const std::size_t taken = std::min(static_cast<std::size_t>(std::max<tmsize_t>(count, 0)), file_.size() - place);
    if (taken > 0) std::memcpy(target, file_.data() + place, taken);
    position_ = place + taken;
    return static_cast<tmsize_t>(taken);
  }

  /// Names inside of a file may hold any bytes.
  std::string in_one_line() const {
    std::string text = message_.data();
    for (char& c : text)
      if (c < ' ' || c > '~') c = '?';
    return text;
  }

  Encoded file_;
  toff_t position_ = 0;
  std::array<char, 256> message_{};
  std::unique_ptr<TIFF, TiffCloser> tiff_;
};

TiffFile::TiffFile(const Encoded& file) : file_(file) {
  constexpr tmsize_t kMaxAllocation = tmsize_t{1} << 30;
  const std::unique_ptr<TIFFOpenOptions, TiffCloser> options(TIFFOpenOptionsAlloc());
  require<DeviceError>(options != nullptr, "[{}] TIFF: no memory for the decoder", file.origin);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, this);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  tiff_.reset(TIFFClientOpenExt(
      "memory", "rm", this,
      [](thandle_t handle, void* target, tmsize_t count) { return file_of(handle).read(target, count); },
      [](thandle_t, void*, tmsize_t) { return tmsize_t{0}; },
      [](thandle_t handle, toff_t offset, int from) {
        TiffFile& opened = file_of(handle);
        const toff_t base = from == SEEK_SET ? 0 : from == SEEK_CUR ? opened.position_ : opened.file_.size();
        return opened.position_ = base + offset;
      },
      [](thandle_t) { return 0; }, [](thandle_t handle) { return toff_t{file_of(handle).file_.size()}; }, nullptr,
      nullptr, options.get()));
  check(tiff_ != nullptr);
}

StoredSize size_of(const TiffFile& tiff) {
  return {tiff.field<std::uint32_t>(TIFFTAG_IMAGEWIDTH, 0), tiff.field<std::uint32_t>(TIFFTAG_IMAGELENGTH, 0)};
}

TiffSamples samples_of(const TiffFile& tiff, const Encoded& file) {
  TiffSamples samples;
  TIFF* handle = tiff.get();
  TIFFGetFieldDefaulted(handle, TIFFTAG_BITSPERSAMPLE, &samples.bits);
  TIFFGetFieldDefaulted(handle, TIFFTAG_SAMPLESPERPIXEL, &samples.per_pixel);
  TIFFGetFieldDefaulted(handle, TIFFTAG_SAMPLEFORMAT, &samples.format);
  samples.photometric = tiff.field<std::uint16_t>(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
  std::uint16_t count = 0, *extra = nullptr;
  if (TIFFGetField(handle, TIFFTAG_EXTRASAMPLES, &count, &extra) == 1 && count > 0) samples.extra = extra[0];
  if (samples.photometric == PHOTOMETRIC_PALETTE)
    tiff.check(TIFFGetField(handle, TIFFTAG_COLORMAP, &samples.palette[0], &samples.palette[1], &samples.palette[2]) ==
               1);
  check_samples(samples, file);
  return samples;
}

/// Reads the samples of all channels that are used, as 8 bits, row by row or tile by tile.
class TiffReader {
 public:
  TiffReader(const TiffFile& tiff, const TiffSamples& samples, StoredSize size, const Encoded& file)
      : tiff_(tiff), samples_(samples), size_(size), file_(file) {}

  std::vector<std::uint8_t> read() {
    const bool planar = tiff_.field<std::uint16_t>(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
    bytes_.resize(static_cast<std::size_t>(size_.width * size_.height * samples_.channels()));
    if (!planar) {
      read_plane(0, samples_);
      return std::move(bytes_);
    }
    TiffSamples single = samples_;
    single.per_pixel = 1;
    for (int channel = 0; channel < samples_.channels(); ++channel) read_plane(channel, single);
    return std::move(bytes_);
  }

 private:
  bool separate(const TiffSamples& stored) const { return stored.per_pixel != samples_.per_pixel; }

  /// Takes `width` pixels of a row to (x, y).
  void take(const std::uint8_t* row, const TiffSamples& stored, int channel, std::int64_t x, std::int64_t y,
            std::int64_t width) {
    const int channels = samples_.channels();
    std::uint8_t* out = bytes_.data() + (y * size_.width + x) * channels;
    if (separate(stored)) return take_samples(row, stored, 0, width, out + channel, channels);
    for (int c = 0; c < channels; ++c) take_samples(row, stored, c, width, out + c, channels);
  }

  void read_plane(int channel, const TiffSamples& stored) {
    TIFFIsTiled(tiff_.get()) != 0 ? read_tiles(channel, stored) : read_rows(channel, stored);
  }
  void read_rows(int channel, const TiffSamples& stored);
  void read_tiles(int channel, const TiffSamples& stored);

  const TiffFile& tiff_;
  TiffSamples samples_;
  StoredSize size_;
  Encoded file_;
  std::vector<std::uint8_t> bytes_;
};

/// The bytes of a row of `width` pixels.
std::int64_t bytes_of_row(const TiffSamples& stored, std::int64_t width) {
  return (width * stored.per_pixel * stored.bits + 7) / 8;
}

void TiffReader::read_rows(int channel, const TiffSamples& stored) {
  const std::int64_t bytes = bytes_of_row(stored, size_.width);
  tiff_.check(TIFFScanlineSize64(tiff_.get()) <= static_cast<std::uint64_t>(bytes));
  std::vector<std::uint8_t> row(static_cast<std::size_t>(bytes));
  for (std::int64_t y = 0; y < size_.height; ++y) {
    tiff_.check(TIFFReadScanline(tiff_.get(), row.data(), static_cast<std::uint32_t>(y),
                                 static_cast<std::uint16_t>(channel)) == 1);
    take(row.data(), stored, channel, 0, y, size_.width);
  }
}

void TiffReader::read_tiles(int channel, const TiffSamples& stored) {
  const std::int64_t width = tiff_.field<std::uint32_t>(TIFFTAG_TILEWIDTH, 0),
                     height = tiff_.field<std::uint32_t>(TIFFTAG_TILELENGTH, 0);
  check_size(width, height, file_, "TIFF tile");
  const std::int64_t stride = bytes_of_row(stored, width);
  tiff_.check(TIFFTileSize64(tiff_.get()) == static_cast<std::uint64_t>(stride * height));
  std::vector<std::uint8_t> tile(static_cast<std::size_t>(stride * height));
  for (std::int64_t y = 0; y < size_.height; y += height)
    for (std::int64_t x = 0; x < size_.width; x += width) {
      tiff_.check(TIFFReadTile(tiff_.get(), tile.data(), static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y),
                               0, static_cast<std::uint16_t>(channel)) >= 0);
      for (std::int64_t row = 0; row < std::min(height, size_.height - y); ++row)
        take(tile.data() + row * stride, stored, channel, x, y + row, std::min(width, size_.width - x));
    }
}

/// Brightness and colour differences, which may be stored at half the resolution: libtiff makes them RGB.
Bitmap read_ycbcr(const TiffFile& tiff, Bitmap bitmap) {
  std::vector<std::uint32_t> raster(bitmap.pixels.size() / 3);
  const int orientation =
      tiff.field<std::uint16_t>(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);  // rows as they are stored
  tiff.check(TIFFReadRGBAImageOriented(tiff.get(), static_cast<std::uint32_t>(bitmap.width),
                                       static_cast<std::uint32_t>(bitmap.height), raster.data(), orientation, 1) == 1);
  for (std::size_t i = 0; i < raster.size(); ++i) {
    std::uint8_t* pixel = bitmap.pixels.data() + 3 * i;
    pixel[0] = TIFFGetR(raster[i]), pixel[1] = TIFFGetG(raster[i]), pixel[2] = TIFFGetB(raster[i]);
  }
  return bitmap;
}

Bitmap decode_tiff(const Encoded& file) {
  const TiffFile tiff(file);
  const StoredSize size = size_of(tiff);
  check_size(size.width, size.height, file, "TIFF");
  TiffSamples samples = samples_of(tiff, file);
  const auto compression = tiff.field<std::uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (samples.photometric == PHOTOMETRIC_YCBCR && samples.per_pixel > 1) {
    const auto planar = tiff.field<std::uint16_t>(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    if (compression != COMPRESSION_JPEG || planar != PLANARCONFIG_CONTIG)
      return read_ycbcr(tiff, allocate_bitmap(size.width, size.height, file, "TIFF"));
    TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    samples.photometric = PHOTOMETRIC_RGB;
  }
  return colors_of(TiffReader(tiff, samples, size, file).read(), samples, size, !file.drop_alpha);
}

/// The orientation in its tag or, without one, in XMP.
int tiff_orientation(const Encoded& file) {
  const TiffFile tiff(file);
  if (const int orientation = tiff.field<std::uint16_t>(TIFFTAG_ORIENTATION, 0); orientation != 0)
    return orientation <= 8 ? orientation : 1;
  std::uint32_t count = 0;
  const char* xmp = nullptr;
  if (TIFFGetField(tiff.get(), TIFFTAG_XMLPACKET, &count, &xmp) != 1) return 1;
  return xmp_orientation({xmp, count});
}

constexpr Codec kTiffCodec = {decode_tiff, [](const Encoded& file) { return size_of(TiffFile(file)); },
                              tiff_orientation};

}  // namespace
}  // namespace e5v::image

extern "C" __attribute__((visibility("default"))) const e5v::image::Codec* e5v_open_codec_2() {
  return &e5v::image::kTiffCodec;
}

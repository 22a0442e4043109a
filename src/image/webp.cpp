#include <webp/decode.h>

#include "base/error.h"
#include "image/alpha.h"
#include "image/codec.h"
#include "image/orientation.h"
#include "image/webp_demuxer.h"

namespace e5v::image {
namespace {

/// The first frame of a file, which is the image of a still file. Its fragment points into the file.
struct Frame {
  Frame(const WebPDemuxer* demuxer) : found(WebPDemuxGetFrame(demuxer, 1, &iterator) != 0) {}
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { WebPDemuxReleaseIterator(&iterator); }

  WebPIterator iterator{};
  bool found;
};

const char* status_text(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY: return "no memory";
    case VP8_STATUS_BITSTREAM_ERROR: return "a damaged bit stream";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "an unknown feature";
    case VP8_STATUS_NOT_ENOUGH_DATA: return "a file cut short";
    default: return "unusable data";
  }
}

/// Whether the file declares transparent pixels. Otherwise PIL takes all pixels as opaque.
bool says_alpha(const Encoded& file) {
  WebPBitstreamFeatures features;
  return WebPGetFeatures(file.data(), file.size(), &features) == VP8_STATUS_OK && features.has_alpha != 0;
}

/// Decodes a frame to its place on a canvas with `channels` bytes per pixel, 3 or 4.
void decode_frame(const WebPIterator& part, std::uint8_t* canvas, std::size_t width, std::size_t channels,
                  const Encoded& file) {
  WebPDecoderConfig config;
  require<DeviceError>(WebPInitDecoderConfig(&config) != 0, "[{}] WebP: the decoder does not match its headers",
                       file.origin);
  const std::size_t stride = width * channels;
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba =
      canvas + static_cast<std::size_t>(part.y_offset) * stride + static_cast<std::size_t>(part.x_offset) * channels;
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size =
      static_cast<std::size_t>(part.height - 1) * stride + static_cast<std::size_t>(part.width) * channels;
  const VP8StatusCode status = WebPDecode(part.fragment.bytes, part.fragment.size, &config);
  WebPFreeDecBuffer(&config.output);
  require(status == VP8_STATUS_OK, "[{}] WebP: expected decodable data, found {}", file.origin, status_text(status));
}

/// The container of a file that is whole.
WebpDemuxer opened(const Encoded& file) {
  const WebPData data{file.data(), file.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  WebpDemuxer demuxer(WebPDemuxPartial(&data, &state));
  require(demuxer != nullptr && state != WEBP_DEMUX_PARSE_ERROR,
          "[{}] WebP: expected a well-formed file, found damaged headers", file.origin);
  require(state == WEBP_DEMUX_DONE, "[{}] WebP: expected the whole image, found a file cut short at {} bytes",
          file.origin, file.size());
  return demuxer;
}

StoredSize canvas_of(const WebPDemuxer* demuxer) {
  return {WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH), WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT)};
}

// An animation's frame may cover only a part of the canvas. The rest stays transparent black, which becomes black in
// RGB and white on white. Source: libwebp's WebPAnimDecoder, through which PIL reads every WebP.
Bitmap decode_webp(const Encoded& file) {
  const WebpDemuxer demuxer = opened(file);
  const auto [width, height] = canvas_of(demuxer.get());
  check_size(width, height, file, "WebP");
  const Frame frame(demuxer.get());
  require(frame.found, "[{}] WebP: expected an image, found none", file.origin);
  const WebPIterator& part = frame.iterator;
  require(part.x_offset >= 0 && part.y_offset >= 0 && part.width > 0 && part.height > 0 &&
              part.width <= width - part.x_offset && part.height <= height - part.y_offset,
          "[{}] WebP: expected a frame inside the canvas of {}x{}, found one of {}x{} at {},{}", file.origin, width,
          height, part.width, part.height, part.x_offset, part.y_offset);
  const std::size_t channels = !file.drop_alpha && says_alpha(file) ? 4 : 3;
  const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  Bitmap bitmap;
  bitmap.width = static_cast<int>(width), bitmap.height = static_cast<int>(height);
  bitmap.pixels.resize(count * channels);
  decode_frame(part, bitmap.pixels.data(), static_cast<std::size_t>(width), channels, file);
  if (channels == 4) lay_on_white(bitmap.pixels.data(), count);
  bitmap.pixels.resize(count * 3);
  return bitmap;
}

}  // namespace

const Codec kWebpCodec = {decode_webp, [](const Encoded& file) { return canvas_of(opened(file).get()); },
                          [](const Encoded& file) { return webp_orientation(file.bytes); }};

}  // namespace e5v::image

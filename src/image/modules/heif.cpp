#include <libheif/heif.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "base/error.h"
#include "image/alpha.h"
#include "image/codec_module.h"

// HEIC and other HEIF files. The rotation, the mirroring and the cropping that the file asks for belong to the format,
// so they are always applied, and an orientation in EXIF does not count. pillow-heif does the same.

namespace e5v::image {
namespace {

struct HeifFree {
  void operator()(heif_context* context) const { heif_context_free(context); }
  void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
  void operator()(heif_image* image) const { heif_image_release(image); }
  void operator()(heif_decoding_options* options) const { heif_decoding_options_free(options); }
};

template <class T>
using Heif = std::unique_ptr<T, HeifFree>;

void check(const heif_error& error, const Encoded& file) {
  if (error.code == heif_error_Ok) return;
  std::string text = error.message == nullptr ? "an error" : error.message;
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  require(error.subcode != heif_suberror_End_of_data,
          "[{}] HEIC: expected the whole image, found a file cut short at {} bytes", file.origin, file.size());
  fail<InvalidInput>("[{}] HEIC: expected decodable data, found: {}", file.origin, text);
}

/// A file and its main image, whose pixels are not decoded yet.
struct HeifFile {
  explicit HeifFile(const Encoded& file) : context(heif_context_alloc()) {
    require<DeviceError>(context != nullptr, "[{}] HEIC: no memory for the decoder", file.origin);
    heif_context_set_max_decoding_threads(context.get(), 0);  // tiles are decoded on this thread
    check(heif_context_read_from_memory_without_copy(context.get(), file.data(), file.size(), nullptr), file);
    heif_image_handle* found = nullptr;
    check(heif_context_get_primary_image_handle(context.get(), &found), file);
    handle.reset(found);
  }

  StoredSize size() const {
    return {heif_image_handle_get_width(handle.get()), heif_image_handle_get_height(handle.get())};
  }
  StoredSize stored_size() const {
    return {heif_image_handle_get_ispe_width(handle.get()), heif_image_handle_get_ispe_height(handle.get())};
  }

  Heif<heif_context> context;
  Heif<heif_image_handle> handle;
};

Heif<heif_image> decoded(const HeifFile& opened, bool alpha, const Encoded& file) {
  const Heif<heif_decoding_options> options(heif_decoding_options_alloc());
  require<DeviceError>(options != nullptr, "[{}] HEIC: no memory for the decoder", file.origin);
  options->convert_hdr_to_8bit = 1;
  heif_image* image = nullptr;
  check(heif_decode_image(opened.handle.get(), &image, heif_colorspace_RGB,
                          alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, options.get()),
        file);
  return Heif<heif_image>(image);
}

Bitmap decode_heif(const Encoded& file) {
  const HeifFile opened(file);
  const StoredSize size = opened.size(), stored = opened.stored_size();
  check_size(size.width, size.height, file, "HEIC");
  check_size(stored.width, stored.height, file, "HEIC");
  const bool alpha = heif_image_handle_has_alpha_channel(opened.handle.get()) != 0;
  const bool multiplied = alpha && heif_image_handle_is_premultiplied_alpha(opened.handle.get()) != 0;
  const Heif<heif_image> image = decoded(opened, alpha, file);
  const std::int64_t width = heif_image_get_width(image.get(), heif_channel_interleaved),
                     height = heif_image_get_height(image.get(), heif_channel_interleaved);
  int stride = 0;
  const std::uint8_t* rows = heif_image_get_plane_readonly(image.get(), heif_channel_interleaved, &stride);
  Bitmap bitmap = allocate_bitmap(width, height, file, "HEIC");
  const std::size_t channels = alpha ? 4 : 3;
  for (int y = 0; y < bitmap.height; ++y) {
    const std::uint8_t* in = rows + static_cast<std::ptrdiff_t>(y) * stride;
    std::uint8_t* out = bitmap.row(y);
    for (int x = 0; x < bitmap.width; ++x, in += channels, out += 3)
      for (int c = 0; c < 3; ++c) {
        out[c] = multiplied ? without_opacity(in[c], in[3]) : in[c];
        if (alpha && !file.drop_alpha) out[c] = over_white(out[c], in[3]);
      }
  }
  return bitmap;
}

constexpr Codec kHeifCodec = {decode_heif, [](const Encoded& file) { return HeifFile(file).size(); }};

}  // namespace
}  // namespace e5v::image

extern "C" __attribute__((visibility("default"))) const e5v::image::Codec* e5v_open_codec_2() {
  return &e5v::image::kHeifCodec;
}

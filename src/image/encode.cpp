#include "image/encode.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

#include "base/error.h"
#include "image/resize.h"

namespace e5v::image {
namespace {

/// libjpeg reports errors by a call that must not return.
struct JpegWriter {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf jump{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): libjpeg's type

  JpegWriter() {
    info.err = jpeg_std_error(&errors);
    info.client_data = this;
    errors.error_exit = [](j_common_ptr common) {
      auto& self = *static_cast<JpegWriter*>(common->client_data);
      (*common->err->format_message)(common, self.message.data());
      std::longjmp(self.jump, 1);
    };
    errors.output_message = [](j_common_ptr) {};
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;
  ~JpegWriter() {
    jpeg_destroy_compress(&info);
    std::free(buffer);
  }

  /// Returns false after an error, with a message. It has no objects with a destructor, so that a jump out of it leaks
  /// nothing.
  bool write(const Bitmap& bitmap, int quality) {
    if (setjmp(jump) != 0) return false;
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &buffer, &size);
    info.image_width = static_cast<JDIMENSION>(bitmap.width);
    info.image_height = static_cast<JDIMENSION>(bitmap.height);
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < bitmap.height; ++y) {
      JSAMPROW row = const_cast<JSAMPROW>(bitmap.row(y));  // the library's interface has no const
      jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    return true;
  }
};

}  // namespace

std::string encode_jpeg(const Bitmap& bitmap, int quality) {
  const auto writer = std::make_unique<JpegWriter>();
  require(writer->write(bitmap, quality), "[jpeg] {} x {} pixels: {}", bitmap.width, bitmap.height,
          writer->message.data());
  return {reinterpret_cast<const char*>(writer->buffer), writer->size};
}

std::string encode_png(const Bitmap& bitmap) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(bitmap.width);
  image.height = static_cast<png_uint_32>(bitmap.height);
  image.format = PNG_FORMAT_RGB;
  const auto fail_with_message = [&] {
    fail<InvalidInput>("[png] {} x {} pixels: {}", bitmap.width, bitmap.height, image.message);
  };
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string file(bytes, '\0');
  if (png_image_write_to_memory(&image, file.data(), &bytes, 0, bitmap.pixels.data(), 0, nullptr) == 0) {
    fail_with_message();
  }
  file.resize(bytes);
  return file;
}

std::string encode_webp(const Bitmap& bitmap, int quality) {
  std::uint8_t* bytes = nullptr;
  const std::size_t size = WebPEncodeRGB(bitmap.pixels.data(), bitmap.width, bitmap.height,
                                         static_cast<int>(bitmap.stride()), static_cast<float>(quality), &bytes);
  const std::unique_ptr<std::uint8_t, void (*)(void*)> owner(bytes, WebPFree);
  require(size > 0, "[webp] {} x {} pixels: expected 1 to {} on each side", bitmap.width, bitmap.height,
          WEBP_MAX_DIMENSION);
  return {reinterpret_cast<const char*>(bytes), size};
}

Bitmap thumbnail(Bitmap bitmap, int edge) {
  const int longer = std::max(bitmap.width, bitmap.height);
  if (longer <= edge) return bitmap;
  const auto scaled = [&](int side) { return std::max(1, static_cast<int>(std::int64_t{side} * edge / longer)); };
  return resize(bitmap, scaled(bitmap.width), scaled(bitmap.height), Filter::bicubic);
}

}  // namespace e5v::image

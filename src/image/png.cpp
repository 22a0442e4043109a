#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "image/codec.h"

namespace e5v::image {
namespace {

/// As in jpeg.cpp: libpng's errors jump back into guarded(), out of steps that hold nothing with a destructor.
class PngReader {
 public:
  explicit PngReader(const Encoded& file) : file_(file) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Bitmap read() {
    require<DeviceError>(info_ != nullptr, "[{}] PNG: no memory for the decoder", file_.origin);
    read_header();
    Bitmap bitmap = allocate_bitmap(png_get_image_width(png_, info_), png_get_image_height(png_, info_), file_, "PNG");
    const int color = png_get_color_type(png_, info_);
    if (color == PNG_COLOR_TYPE_PALETTE) {
      read_palette(bitmap);
    } else if (color == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png_, info_) == 16) {
      read_grey16(bitmap);
    } else {
      read_direct(bitmap);
    }
    return bitmap;
  }

 private:
  template <class Step>
  void guarded(const Step& step) {
    if (setjmp(jump_) == 0) {
      step();
      return;
    }
    require(!cut_short_, "[{}] PNG: expected the whole picture, found a file cut short at {} bytes", file_.origin,
            file_.size());
    fail<InvalidInput>("[{}] PNG: expected decodable data, found: {}", file_.origin, message_.data());
  }

  static void on_error(png_structp png, png_const_charp message) {
    auto& self = *static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(self.message_.data(), self.message_.size(), "%s", message);
    std::longjmp(self.jump_, 1);
  }

  static void on_read(png_structp png, png_bytep target, std::size_t count) {
    auto& self = *static_cast<PngReader*>(png_get_io_ptr(png));
    if (self.file_.size() - self.position_ < count) {
      self.cut_short_ = true;
      png_error(png, "end of file");
    }
    std::memcpy(target, self.file_.data() + self.position_, count);
    self.position_ += count;
  }

  void read_header();
  void read_image(std::uint8_t* pixels, int height, std::size_t stride);
  void read_direct(Bitmap& bitmap);
  void read_palette(Bitmap& bitmap);
  void read_grey16(Bitmap& bitmap);

  Encoded file_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::size_t position_ = 0;
  bool cut_short_ = false;
  std::jmp_buf jump_{};
  std::array<char, 128> message_{};
};

void PngReader::read_header() {
  guarded([this] {
    png_set_read_fn(png_, this, on_read);
    // The pixel limit is ours to check; libpng's own refuses sides above a million.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Text, profiles, gamma and the like change no pixel in PIL. Skipping them unread also keeps their inflaters out of
    // the reach of hostile files.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
  });
}

// `stride` is what the caller made room for; libpng's own count must agree before it writes.
void PngReader::read_image(std::uint8_t* pixels, int height, std::size_t stride) {
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = pixels + y * stride;
  guarded([&] {
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != stride) png_error(png_, "an unexpected row size");
    png_read_image(png_, rows.data());
  });
}

void PngReader::read_direct(Bitmap& bitmap) {
  guarded([&] {
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    if ((png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) == 0) {
      png_set_expand_gray_1_2_4_to_8(png_);
      png_set_gray_to_rgb(png_);
    }
  });
  read_image(bitmap.pixels.data(), bitmap.height, bitmap.stride());
}

void PngReader::read_palette(Bitmap& bitmap) {
  // Entries that the file does not give are greys, as PIL's fresh palette has them.
  std::array<png_color, 256> palette;
  for (std::size_t i = 0; i < palette.size(); ++i) {
    const auto grey = static_cast<png_byte>(i);
    palette[i] = {grey, grey, grey};
  }
  guarded([&] {
    png_colorp entries = nullptr;
    int count = 0;
    if (png_get_PLTE(png_, info_, &entries, &count) == 0) png_error(png_, "no palette");
    std::copy_n(entries, std::min(count, 256), palette.begin());
    png_set_packing(png_);
  });
  std::vector<std::uint8_t> indices(bitmap.pixels.size() / 3);
  read_image(indices.data(), bitmap.height, static_cast<std::size_t>(bitmap.width));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const png_color color = palette[indices[i]];
    bitmap.pixels[3 * i] = color.red, bitmap.pixels[3 * i + 1] = color.green, bitmap.pixels[3 * i + 2] = color.blue;
  }
}

// PIL reads these as 32-bit integers and clips them on the way to RGB: almost all of the range turns white.
void PngReader::read_grey16(Bitmap& bitmap) {
  std::vector<std::uint8_t> samples(bitmap.pixels.size() / 3 * 2);
  read_image(samples.data(), bitmap.height, static_cast<std::size_t>(bitmap.width) * 2);
  for (std::size_t i = 0; i < samples.size() / 2; ++i) {
    const std::uint8_t grey = samples[2 * i] != 0 ? 255 : samples[2 * i + 1];
    std::fill_n(bitmap.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, grey);
  }
}

}  // namespace

Bitmap decode_png(const Encoded& file) { return PngReader(file).read(); }

}  // namespace e5v::image

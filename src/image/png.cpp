#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "image/alpha.h"
#include "image/byte_reader.h"
#include "image/codec.h"
#include "image/orientation.h"
#include "image/png_chunks.h"

namespace e5v::image {
namespace {

/// Makes the pixels of one colour white.
void whiten(Bitmap& bitmap, png_color color) {
  for (std::size_t i = 0; i < bitmap.pixels.size(); i += 3) {
    std::uint8_t* pixel = bitmap.pixels.data() + i;
    if (pixel[0] == color.red && pixel[1] == color.green && pixel[2] == color.blue) std::fill_n(pixel, 3, 255);
  }
}

/// As in jpeg.cpp, an error of libpng jumps back into guarded(), and steps have no objects with a destructor.
class PngReader {
 public:
  explicit PngReader(const Encoded& file) : file_(file) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  StoredSize size() {
    require<DeviceError>(info_ != nullptr, "[{}] PNG: no memory for the decoder", file_.origin);
    read_header();
    return {png_get_image_width(png_, info_), png_get_image_height(png_, info_)};
  }

  Bitmap read() {
    const auto [width, height] = size();
    const int color = png_get_color_type(png_, info_), depth = png_get_bit_depth(png_, info_);
    if ((color & PNG_COLOR_MASK_ALPHA) != 0 && !file_.drop_alpha) return read_alpha(width, height);
    Bitmap bitmap = allocate_bitmap(width, height, file_, "PNG");
    const Bytes transparency = file_.drop_alpha ? Bytes() : transparency_chunk();
    if (color == PNG_COLOR_TYPE_PALETTE) {
      read_palette(bitmap, transparency);
    } else {
      const bool grey16 = color == PNG_COLOR_TYPE_GRAY && depth == 16;
      grey16 ? read_grey16(bitmap) : read_direct(bitmap);
      if (!transparency.empty()) whiten(bitmap, transparent_color(transparency, color, depth));
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
    require(!cut_short_, "[{}] PNG: expected the whole image, found a file cut short at {} bytes", file_.origin,
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
  Bitmap read_alpha(std::int64_t width, std::int64_t height);
  void read_direct(Bitmap& bitmap);
  void read_palette(Bitmap& bitmap, Bytes transparency);
  void read_grey16(Bitmap& bitmap);
  Bytes transparency_chunk() const;
  png_color transparent_color(Bytes transparency, int color, int depth) const;

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
    // The pixel limit is checked here; libpng's own refuses sides above a million.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Text, profiles, gamma and similar chunks change no pixel in PIL. They are skipped unread, which also protects
    // their decompression from hostile files.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
  });
}

// `stride` is the size of the caller's rows. libpng's own size must agree before it writes.
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

/// Colours with alpha, laid on white.
Bitmap PngReader::read_alpha(std::int64_t width, std::int64_t height) {
  check_size(width, height, file_, "PNG");
  guarded([&] {
    png_set_strip_16(png_);
    png_set_gray_to_rgb(png_);
  });
  const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  Bitmap bitmap;
  bitmap.width = static_cast<int>(width), bitmap.height = static_cast<int>(height);
  bitmap.pixels.resize(4 * count);
  read_image(bitmap.pixels.data(), bitmap.height, 4 * static_cast<std::size_t>(width));
  lay_on_white(bitmap.pixels.data(), count);
  bitmap.pixels.resize(3 * count);
  return bitmap;
}

/// The last tRNS chunk before the image, at any place and of any length, as PIL takes it. libpng is stricter and
/// reports nothing.
Bytes PngReader::transparency_chunk() const {
  PngChunks chunks(file_.bytes);
  Bytes found;
  while (const auto chunk = chunks.next()) {
    if (chunk->name == "IDAT") break;
    if (chunk->name != "tRNS") continue;
    require(chunk->sound(), "[{}] PNG: expected a right checksum of the chunk tRNS, found a wrong one", file_.origin);
    found = chunk->data;
  }
  return found;
}

/// The transparent colour of tRNS as PIL compares it with pixels of 8 bits: the low byte of each number. With fewer
/// bits than 8 it is not scaled, although the pixels are.
png_color PngReader::transparent_color(Bytes transparency, int color, int depth) const {
  const bool is_grey = color == PNG_COLOR_TYPE_GRAY;
  require(transparency.size() >= (is_grey ? 2u : 6u), "[{}] PNG: expected a chunk tRNS of {} bytes, found {}",
          file_.origin, is_grey ? 2 : 6, transparency.size());
  const auto number = [&](std::size_t i) { return ByteReader(transparency, true).number(2 * i, 2).value_or(0); };
  if (is_grey) {
    const auto grey = static_cast<png_byte>(depth == 1 && number(0) != 0 ? 255 : number(0));
    return {grey, grey, grey};
  }
  return {static_cast<png_byte>(number(0)), static_cast<png_byte>(number(1)), static_cast<png_byte>(number(2))};
}

// Colours that the file does not give are black, as in PIL from version 11 on.
void PngReader::read_palette(Bitmap& bitmap, Bytes transparency) {
  std::array<png_color, 256> palette{};
  guarded([&] {
    png_colorp entries = nullptr;
    int count = 0;
    if (png_get_PLTE(png_, info_, &entries, &count) == 0) png_error(png_, "no palette");
    std::copy_n(entries, std::min(count, 256), palette.begin());
    png_set_packing(png_);
  });
  require(transparency.size() <= palette.size(), "[{}] PNG: expected at most {} bytes in the chunk tRNS, found {}",
          file_.origin, palette.size(), transparency.size());
  for (std::size_t i = 0; i < transparency.size(); ++i) {
    const auto alpha = std::to_integer<std::uint8_t>(transparency[i]);
    png_color& color = palette[i];
    color = {over_white(color.red, alpha), over_white(color.green, alpha), over_white(color.blue, alpha)};
  }
  std::vector<std::uint8_t> indices(bitmap.pixels.size() / 3);
  read_image(indices.data(), bitmap.height, static_cast<std::size_t>(bitmap.width));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const png_color color = palette[indices[i]];
    bitmap.pixels[3 * i] = color.red, bitmap.pixels[3 * i + 1] = color.green, bitmap.pixels[3 * i + 2] = color.blue;
  }
}

// PIL reads these as 32-bit integers and clips them for RGB, so nearly the whole range becomes white.
void PngReader::read_grey16(Bitmap& bitmap) {
  std::vector<std::uint8_t> samples(bitmap.pixels.size() / 3 * 2);
  read_image(samples.data(), bitmap.height, static_cast<std::size_t>(bitmap.width) * 2);
  for (std::size_t i = 0; i < samples.size() / 2; ++i) {
    const std::uint8_t grey = samples[2 * i] != 0 ? 255 : samples[2 * i + 1];
    std::fill_n(bitmap.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, grey);
  }
}

}  // namespace

const Codec kPngCodec = {[](const Encoded& file) { return PngReader(file).read(); },
                         [](const Encoded& file) { return PngReader(file).size(); },
                         [](const Encoded& file) { return png_orientation(file.bytes); }};

}  // namespace e5v::image

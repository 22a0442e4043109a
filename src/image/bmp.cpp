#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "image/alpha.h"
#include "image/bmp_header.h"
#include "image/byte_reader.h"
#include "image/codec.h"

namespace e5v::image {
namespace {

using Color = std::array<std::uint8_t, 3>;

/// Reads a BMP file as PIL.BmpImagePlugin does. Debian has no library for this format alone.
class BmpReader {
 public:
  explicit BmpReader(const Encoded& file) : file_(file), header_(read_bmp_header(file)) {}

  Bitmap read() {
    Bitmap bitmap = allocate_bitmap(header_.width, header_.height, file_, "BMP");
    if (header_.bits > 8) return read_direct(std::move(bitmap));
    const std::array<Color, 256> colors = palette();
    return header_.run_length ? read_runs(std::move(bitmap), colors) : read_indices(std::move(bitmap), colors);
  }

 private:
  std::uint8_t* row_of(Bitmap& bitmap, std::int64_t y) const {
    return bitmap.row(static_cast<int>(header_.top_down ? y : header_.height - 1 - y));
  }
  /// A row of the file. The last one may lack its padding.
  const std::uint8_t* stored_row(std::int64_t y) const {
    return file_.data() + header_.pixels + static_cast<std::size_t>(y * stride());
  }
  std::int64_t stride() const { return (header_.width * header_.bits + 31) / 32 * 4; }

  void require_bytes(std::int64_t count) const {
    require(header_.pixels <= file_.size() && count <= static_cast<std::int64_t>(file_.size() - header_.pixels),
            "[{}] BMP: expected {} bytes of pixels, found a file cut short at {} bytes", file_.origin, count,
            file_.size());
  }
  void require_rows() const { require_bytes((header_.height - 1) * stride() + (header_.width * header_.bits + 7) / 8); }

  std::array<Color, 256> palette() const;
  Bitmap read_indices(Bitmap bitmap, const std::array<Color, 256>& colors) const;
  Bitmap read_runs(Bitmap bitmap, const std::array<Color, 256>& colors) const;
  Bitmap read_direct(Bitmap bitmap) const;

  Encoded file_;
  BmpHeader header_;
};

// Colours that the file does not give are black.
std::array<Color, 256> BmpReader::palette() const {
  std::array<Color, 256> colors{};
  for (std::size_t i = 0; i < std::min<std::size_t>(header_.colors, colors.size()); ++i) {
    const std::size_t at = header_.palette + i * header_.color_bytes;
    require(at + 3 <= file_.size(), "[{}] BMP: expected {} colours, found a file cut short at {} bytes", file_.origin,
            header_.colors, file_.size());
    colors[i] = {file_.data()[at + 2], file_.data()[at + 1], file_.data()[at]};
  }
  return colors;
}

Bitmap BmpReader::read_indices(Bitmap bitmap, const std::array<Color, 256>& colors) const {
  require_rows();
  const int bits = header_.bits;
  for (std::int64_t y = 0; y < header_.height; ++y) {
    const std::uint8_t* in = stored_row(y);
    std::uint8_t* out = row_of(bitmap, y);
    for (std::int64_t x = 0; x < header_.width; ++x, out += 3) {
      const std::int64_t bit = x * bits;
      const int index = in[bit / 8] >> (8 - bits - bit % 8) & ((1 << bits) - 1);
      std::ranges::copy(colors[static_cast<std::size_t>(index)], out);
    }
  }
  return bitmap;
}

/// The indices of a run-length encoded image, row by row in the file's order. What the file leaves out has the first
/// colour, but it must end every row that it begins.
std::vector<std::uint8_t> indices_of_runs(Bytes runs, std::size_t place, std::int64_t width, std::int64_t height,
                                          bool nibbles) {
  const auto total = static_cast<std::size_t>(width * height), columns = static_cast<std::size_t>(width);
  std::vector<std::uint8_t> indices;
  indices.reserve(total);
  std::size_t at = 0, x = 0;
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(runs[i]); };
  const auto add = [&](std::size_t count, std::size_t value) {
    for (std::size_t i = 0; i < count; ++i)
      indices.push_back(static_cast<std::uint8_t>(!nibbles ? value : i % 2 == 0 ? value >> 4 : value & 15));
  };
  while (indices.size() < total && at + 2 <= runs.size()) {
    const std::size_t first = byte(at), second = byte(at + 1);
    at += 2;
    if (first > 0) {  // a run, which ends with its row
      const std::size_t count = std::min(first, columns - std::min(x, columns));
      add(count, second);
      x += count;
    } else if (second == 0) {  // the end of a row
      indices.resize((indices.size() + columns - 1) / columns * columns);
      x = 0;
    } else if (second == 1) {  // the end of the image
      break;
    } else if (second == 2) {  // a step to the right and up
      if (at + 2 > runs.size()) break;
      indices.resize(std::min(total, indices.size() + byte(at) + byte(at + 1) * columns));
      at += 2;
      x = indices.size() % columns;
    } else {  // single indices, padded to two bytes
      const std::size_t count = std::min(total - indices.size(), second), bytes = nibbles ? (count + 1) / 2 : count;
      const std::size_t present = std::min(bytes, runs.size() - at);
      for (std::size_t i = 0; i < present; ++i)
        add(nibbles ? std::min<std::size_t>(2, count - 2 * i) : 1, byte(at + i));
      at += present;
      if (present < bytes) break;
      x += second;
      at += (place + at) % 2;
    }
  }
  return indices;
}

Bitmap BmpReader::read_runs(Bitmap bitmap, const std::array<Color, 256>& colors) const {
  require_bytes(0);
  const auto indices = indices_of_runs(tail(file_.bytes, header_.pixels), header_.pixels, header_.width, header_.height,
                                       header_.bits == 4);
  const auto width = static_cast<std::size_t>(header_.width), total = bitmap.pixels.size() / 3;
  require(indices.size() >= total, "[{}] BMP: expected {} pixels in runs, found {}", file_.origin, total,
          indices.size());
  for (std::int64_t y = 0; y < header_.height; ++y) {
    const std::uint8_t* in = indices.data() + static_cast<std::size_t>(y) * width;
    std::uint8_t* out = row_of(bitmap, y);
    for (std::size_t x = 0; x < width; ++x, out += 3) std::ranges::copy(colors[in[x]], out);
  }
  return bitmap;
}

/// A channel of a pixel, as 8 bits, rounded down.
std::uint8_t channel(std::uint32_t pixel, BmpMask mask) {
  const std::uint32_t full = (1u << mask.width) - 1;
  return static_cast<std::uint8_t>((pixel >> mask.shift & full) * 255 / full);
}

Bitmap BmpReader::read_direct(Bitmap bitmap) const {
  require_rows();
  const ByteReader read(file_.bytes, false);
  const auto bytes = static_cast<std::size_t>(header_.bits / 8);
  const bool blend = header_.alpha.width > 0 && !file_.drop_alpha;
  for (std::int64_t y = 0; y < header_.height; ++y) {
    std::size_t at = header_.pixels + static_cast<std::size_t>(y * stride());
    std::uint8_t* out = row_of(bitmap, y);
    for (std::int64_t x = 0; x < header_.width; ++x, at += bytes, out += 3) {
      const std::uint32_t pixel = read.number(at, bytes).value_or(0);
      const std::uint8_t alpha = blend ? channel(pixel, header_.alpha) : 255;
      for (std::size_t c = 0; c < 3; ++c) {
        const std::uint8_t value = channel(pixel, header_.color[c]);
        out[c] = blend ? over_white(value, alpha) : value;
      }
    }
  }
  return bitmap;
}

}  // namespace

constinit const Codec kBmpCodec = {[](const Encoded& file) { return BmpReader(file).read(); },
                                   [](const Encoded& file) {
                                     const BmpHeader header = read_bmp_header(file);
                                     return StoredSize{header.width, header.height};
                                   }};

}  // namespace e5v::image

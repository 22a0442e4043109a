#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "image/codec.h"

namespace e5v::image {
namespace {

struct GifCloser {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

/// The first frame of a GIF. Source of what is not in the format's own text: PIL.GifImagePlugin.
class GifReader {
 public:
  explicit GifReader(const Encoded& file) : file_(file) {
    int error = 0;
    gif_.reset(DGifOpen(
        this, [](GifFileType* gif, GifByteType* target, int count) { return reader_of(gif).take(target, count); },
        &error));
    check(gif_ != nullptr, error);
  }
  GifReader(const GifReader&) = delete;
  GifReader& operator=(const GifReader&) = delete;

  /// The canvas, which a frame that does not fit makes larger.
  StoredSize size() {
    find_frame();
    return {std::max<std::int64_t>(gif_->SWidth, std::int64_t{frame().Left} + frame().Width),
            std::max<std::int64_t>(gif_->SHeight, std::int64_t{frame().Top} + frame().Height)};
  }

  Bitmap read();

 private:
  static GifReader& reader_of(GifFileType* gif) { return *static_cast<GifReader*>(gif->UserData); }
  const GifImageDesc& frame() const { return gif_->Image; }

  int take(GifByteType* target, int count) {
    const std::size_t taken = std::min(static_cast<std::size_t>(count), file_.size() - position_);
    if (taken > 0) std::memcpy(target, file_.data() + position_, taken);
    position_ += taken;
    cut_short_ = cut_short_ || taken < static_cast<std::size_t>(count);
    return static_cast<int>(taken);
  }

  void check(bool fine, int error) const {
    require(fine || !cut_short_, "[{}] GIF: expected the whole image, found a file cut short at {} bytes", file_.origin,
            file_.size());
    const char* text = fine ? nullptr : GifErrorString(error);
    require(fine, "[{}] GIF: expected decodable data, found: {}", file_.origin, text == nullptr ? "an error" : text);
  }
  void check(int status) const { check(status == GIF_OK, gif_->Error); }

  void find_frame();
  void read_extension();
  std::array<GifColorType, 256> palette() const;

  Encoded file_;
  std::size_t position_ = 0;
  bool cut_short_ = false;
  std::optional<int> transparent_;  ///< index of a colour
  std::unique_ptr<GifFileType, GifCloser> gif_;
};

void GifReader::find_frame() {
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    check(DGifGetRecordType(gif_.get(), &type));
    if (type == EXTENSION_RECORD_TYPE) read_extension();
    require(type != TERMINATE_RECORD_TYPE, "[{}] GIF: expected an image, found none", file_.origin);
    if (type != IMAGE_DESC_RECORD_TYPE) continue;
    check(DGifGetImageDesc(gif_.get()));
    require(frame().Width > 0 && frame().Height > 0, "[{}] GIF: expected a frame with pixels, found a size of {}x{}",
            file_.origin, frame().Width, frame().Height);
    return;
  }
}

void GifReader::read_extension() {
  int code = 0;
  GifByteType* block = nullptr;  // its length, and then its bytes
  check(DGifGetExtension(gif_.get(), &code, &block));
  if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4 && (block[1] & 1) != 0)
    transparent_ = block[4];
  while (block != nullptr) check(DGifGetExtensionNext(gif_.get(), &block));
}

/// A palette without other colours than those of the grey ramp is the whole ramp, and so is a missing one. Other
/// colours that the file does not give are black.
std::array<GifColorType, 256> GifReader::palette() const {
  std::array<GifColorType, 256> ramp{}, colors{};
  for (std::size_t i = 0; i < ramp.size(); ++i)
    ramp[i].Red = ramp[i].Green = ramp[i].Blue = static_cast<GifByteType>(i);
  const ColorMapObject* map = frame().ColorMap != nullptr ? frame().ColorMap : gif_->SColorMap;
  if (map == nullptr) return ramp;
  const auto count = static_cast<std::size_t>(std::min(map->ColorCount, 256));
  std::copy_n(map->Colors, count, colors.begin());
  return std::memcmp(colors.data(), ramp.data(), count * sizeof(GifColorType)) == 0 ? ramp : colors;
}

// What the frame leaves open has the transparent colour or, without one, the first colour.
Bitmap GifReader::read() {
  const auto [width, height] = size();
  Bitmap bitmap = allocate_bitmap(width, height, file_, "GIF");
  std::array<GifColorType, 256> colors = palette();
  if (transparent_ && !file_.drop_alpha) colors[static_cast<std::size_t>(*transparent_)] = {255, 255, 255};
  const GifColorType ground = colors[static_cast<std::size_t>(transparent_.value_or(0))];
  for (std::size_t i = 0; i < bitmap.pixels.size(); i += 3)
    bitmap.pixels[i] = ground.Red, bitmap.pixels[i + 1] = ground.Green, bitmap.pixels[i + 2] = ground.Blue;
  std::vector<GifByteType> line(static_cast<std::size_t>(frame().Width));
  const auto read_rows = [&](int first, int step) {
    for (int y = first; y < frame().Height; y += step) {
      check(DGifGetLine(gif_.get(), line.data(), frame().Width));
      std::uint8_t* out = bitmap.row(frame().Top + y) + 3 * static_cast<std::size_t>(frame().Left);
      for (const GifByteType index : line) {
        const GifColorType& color = colors[index];
        *out++ = color.Red, *out++ = color.Green, *out++ = color.Blue;
      }
    }
  };
  if (frame().Interlace)
    for (const auto& [first, step] : {std::pair(0, 8), std::pair(4, 8), std::pair(2, 4), std::pair(1, 2)})
      read_rows(first, step);
  else
    read_rows(0, 1);
  return bitmap;
}

}  // namespace

constinit const Codec kGifCodec = {[](const Encoded& file) { return GifReader(file).read(); },
                                   [](const Encoded& file) { return GifReader(file).size(); }};

}  // namespace e5v::image

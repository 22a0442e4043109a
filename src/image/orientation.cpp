#include "image/orientation.h"

#include <string_view>
#include <utility>

#include "base/parallel.h"
#include "image/exif.h"
#include "image/metadata.h"

namespace e5v::image {
namespace {

int orientation_of(const Metadata& metadata) {
  const std::optional<int> stated =
      metadata.exif ? exif_orientation(std::as_bytes(std::span(*metadata.exif))) : std::nullopt;
  return stated.value_or(xmp_orientation(metadata.xmp));
}

constexpr bool swaps_axes(int orientation) { return orientation >= 5; }

}  // namespace

int jpeg_orientation(std::span<const std::byte> file) { return orientation_of(jpeg_metadata(file)); }

int png_orientation(std::span<const std::byte> file) { return orientation_of(png_metadata(file)); }

int webp_orientation(std::span<const std::byte> file) { return orientation_of(webp_metadata(file)); }

int xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (std::size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at)) {
    at += kName.size();
    const std::string_view rest = xmp.substr(at);
    const std::size_t value = rest.starts_with("=\"") ? 2 : rest.starts_with('>') ? 1 : rest.size();
    if (value >= rest.size() || rest[value] < '0' || rest[value] > '9') continue;
    const int orientation = rest[value] - '0';
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

Bitmap oriented(Bitmap stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  const int w = stored.width, h = stored.height;
  Bitmap upright = swaps_axes(orientation) ? Bitmap(h, w) : Bitmap(w, h);
  // Row y of the result reads the stored image from `first` in steps of (dx, dy).
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  parallel_for(upright.height, 64, [&](std::int64_t index) {
    const int y = static_cast<int>(index);
    const int along = swaps_axes(orientation) ? (from_right ? w - 1 - y : y) : (from_bottom ? h - 1 - y : y);
    std::uint8_t* out = upright.row(y);
    for (int x = 0; x < upright.width; ++x, out += 3) {
      const int across = swaps_axes(orientation) ? (from_bottom ? h - 1 - x : x) : (from_right ? w - 1 - x : x);
      const std::uint8_t* in = swaps_axes(orientation) ? stored.row(across) + 3 * static_cast<std::size_t>(along)
                                                       : stored.row(along) + 3 * static_cast<std::size_t>(across);
      out[0] = in[0], out[1] = in[1], out[2] = in[2];
    }
  });
  return upright;
}

}  // namespace e5v::image

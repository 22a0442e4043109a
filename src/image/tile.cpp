#include "image/tile.h"

#include <algorithm>

#include "base/error.h"
#include "image/clones.h"

namespace e5v::image {
namespace {

/// Source: transformers, get_resize_output_image_size.
Extent size_with_shortest_edge(const Bitmap& bitmap, int edge) {
  const int shorter = std::min(bitmap.width, bitmap.height), longer = std::max(bitmap.width, bitmap.height);
  const auto new_longer = static_cast<std::int64_t>(static_cast<double>(std::int64_t{edge} * longer) / shorter);
  const bool upright = bitmap.width <= bitmap.height;
  return upright ? Extent{edge, new_longer} : Extent{new_longer, edge};
}

/// A separate function, because the clones of a visible function would be visible, too.
E5V_AVX2_CLONE void copy_planes(const Bitmap& bitmap, int tile, std::uint8_t* out) {
  const int top = (bitmap.height - tile) / 2, left = (bitmap.width - tile) / 2;
  const std::size_t edge = static_cast<std::size_t>(tile), plane = edge * edge;
  for (int y = 0; y < tile; ++y) {
    const std::uint8_t* in = bitmap.row(top + y) + 3 * static_cast<std::size_t>(left);
    std::uint8_t *red = out + static_cast<std::size_t>(y) * edge, *green = red + plane, *blue = green + plane;
    for (std::size_t x = 0; x < edge; ++x) red[x] = in[3 * x], green[x] = in[3 * x + 1], blue[x] = in[3 * x + 2];
  }
}

}  // namespace

Bitmap with_shortest_edge(Bitmap bitmap, const Preprocess& p) {
  const Extent size = size_with_shortest_edge(bitmap, p.shortest_edge);
  if (size.width == bitmap.width && size.height == bitmap.height) return bitmap;
  return resize(bitmap, static_cast<int>(size.width), static_cast<int>(size.height), p.filter);
}

void write_tile(const Bitmap& bitmap, int tile, std::uint8_t* out) { copy_planes(bitmap, tile, out); }

Tiles centre_crop(const Bitmap& bitmap, const Preprocess& p) {
  p.check("tiles");
  require(bitmap.height > 0 && bitmap.width > 0, "[tiles] expected an image with pixels, found {}x{}", bitmap.width,
          bitmap.height);
  Tiles tiles{1, p.tile, {bitmap.height, bitmap.width}, {}};
  tiles.pixels.resize(std::size_t{3} * static_cast<std::size_t>(p.tile) * static_cast<std::size_t>(p.tile));
  const Extent whole =
      p.squeezed ? Extent{p.shortest_edge, p.shortest_edge} : size_with_shortest_edge(bitmap, p.shortest_edge);
  // Only the part that is cut out is computed, because the rest of a long and narrow image could exceed the memory.
  const Part middle{(whole.width - p.tile) / 2, (whole.height - p.tile) / 2, p.tile, p.tile};
  write_tile(resize_part(bitmap, whole, middle, p.filter), p.tile, tiles.pixels.data());
  return tiles;
}

}  // namespace e5v::image

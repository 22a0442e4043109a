#include "image/anyres.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "image/tile.h"

// Arithmetic on sizes uses doubles and the reference's order of operations: ceil(400 * (336 / 300)) is 449.

namespace e5v::image {
namespace {

void require_pixels(Size original) {
  require(original.height > 0 && original.width > 0, "[tiles] expected an image with pixels, found {}x{}",
          original.width, original.height);
}

/// The largest size with the image's proportions inside `target`. Source: _get_patch_output_size.
Size fitted(Size original, Size target) {
  const double across = static_cast<double>(target.width) / original.width;
  const double down = static_cast<double>(target.height) / original.height;
  if (across < down) {
    const double height = std::ceil(original.height * across);
    return {static_cast<int>(std::min(height, static_cast<double>(target.height))), target.width};
  }
  const double width = std::ceil(original.width * down);
  return {target.height, static_cast<int>(std::min(width, static_cast<double>(target.width)))};
}

/// The part of `source` at (top, left). Pixels outside of the source are black.
Bitmap cut(const Bitmap& source, int top, int left, Size size) {
  Bitmap out(size.width, size.height);
  const int begin = std::max(left, 0), end = std::min(left + size.width, source.width);
  if (begin >= end) return out;
  for (int y = std::max(top, 0); y < std::min(top + size.height, source.height); ++y)
    std::memcpy(out.row(y - top) + 3 * (begin - left), source.row(y) + 3 * static_cast<std::size_t>(begin),
                3 * static_cast<std::size_t>(end - begin));
  return out;
}

struct Layout {
  Size content;   // of the resized image
  int top, left;  // its place in the padded image
  Size padded;    // the grid, or one pixel less where v4412 loses the odd pixel
};

Layout layout_of(Size original, Size grid, Variant variant) {
  const Size content = fitted(original, grid);
  const int down = grid.height - content.height, across = grid.width - content.width;
  Size padded = grid;
  if (variant == Variant::v4412) padded = {content.height + down / 2 * 2, content.width + across / 2 * 2};
  return {content, down / 2, across / 2, padded};
}

struct Margin {
  int rows = 0, columns = 0;  // dropped on each of two sides
};

int margin(int current, int kept) { return std::max((current - kept) / 2, 0); }

/// Source: unpad_image of transformers >= 4.47. It uses Python floats, rounded to 7 decimals to hide their noise.
Margin margin_v5(Size original, Size current) {
  const auto kept = [](int edge, double scale) {
    return static_cast<int>(std::strtod(fmt::format("{:.7f}", edge * scale).c_str(), nullptr));
  };
  const double aspect = static_cast<double>(original.width) / original.height;
  if (aspect > static_cast<double>(current.width) / current.height) {
    const double scale = static_cast<double>(current.width) / original.width;
    return {.rows = margin(current.height, kept(original.height, scale))};
  }
  const double scale = static_cast<double>(current.height) / original.height;
  return {.columns = margin(current.width, kept(original.width, scale))};
}

/// Source: the same function of 4.41.2, in which the image size is a float32 tensor. There a number divided by a tensor
/// is computed as the number times the reciprocal.
Margin margin_v4412(Size original, Size current) {
  const auto height = static_cast<float>(original.height), width = static_cast<float>(original.width);
  const auto aspect = static_cast<float>(static_cast<double>(current.width) / current.height);
  if (width / height > aspect) {
    const float scale = 1.0f / width * static_cast<float>(current.width);
    return {.rows = margin(current.height, static_cast<int>(height * scale))};
  }
  const float scale = 1.0f / height * static_cast<float>(current.height);
  return {.columns = margin(current.width, static_cast<int>(width * scale))};
}

}  // namespace

Size best_resolution(Size original, const std::vector<Size>& pinpoints) {
  require_pixels(original);
  require(!pinpoints.empty(), "[tiles] expected grid pinpoints, found none");
  Size best;
  std::int64_t max_kept = 0, min_wasted = std::numeric_limits<std::int64_t>::max();
  for (const Size& grid : pinpoints) {
    const double scale =
        std::min(static_cast<double>(grid.width) / original.width, static_cast<double>(grid.height) / original.height);
    const auto width = static_cast<std::int64_t>(original.width * scale);
    const auto height = static_cast<std::int64_t>(original.height * scale);
    const std::int64_t kept = std::min(width * height, std::int64_t{original.width} * original.height);
    const std::int64_t wasted = std::int64_t{grid.width} * grid.height - kept;
    if (kept > max_kept || (kept == max_kept && wasted < min_wasted)) {
      max_kept = kept, min_wasted = wasted, best = grid;
    }
  }
  return best;
}

Tiles make_tiles(const Bitmap& bitmap, const Preprocess& p) {
  p.check("tiles");
  const Size original{bitmap.height, bitmap.width};
  require_pixels(original);
  const std::vector<Size> pinpoints = p.allowed_pinpoints();
  const Size grid = pinpoints.empty() ? Size{} : best_resolution(original, pinpoints);
  const int columns = grid.width / p.tile, rows = grid.height / p.tile;
  const std::size_t bytes_per_tile = static_cast<std::size_t>(p.tile) * static_cast<std::size_t>(p.tile) * 3;
  Tiles tiles{std::int64_t{rows} * columns + 1, p.tile, original, {}};
  tiles.pixels.resize(static_cast<std::size_t>(tiles.count) * bytes_per_tile);
  write_tile(resize(bitmap, p.shortest_edge, p.shortest_edge, p.filter), p.tile, tiles.pixels.data());
  if (tiles.count == 1) return tiles;

  const Layout layout = layout_of(original, grid, p.variant);
  const Bitmap content = resize(bitmap, layout.content.width, layout.content.height, p.filter);
  parallel_for(tiles.count - 1, 1, [&](std::int64_t index) {
    const int top = static_cast<int>(index / columns) * p.tile, left = static_cast<int>(index % columns) * p.tile;
    const Size size{std::min(p.tile, layout.padded.height - top), std::min(p.tile, layout.padded.width - left)};
    // The reference's second resize. It changes a tile only if the tile came out too small (v4412) or shortest_edge
    // differs from the tile.
    const Bitmap tile = with_shortest_edge(cut(content, top - layout.top, left - layout.left, size), p);
    write_tile(tile, p.tile, tiles.pixels.data() + static_cast<std::size_t>(index + 1) * bytes_per_tile);
  });
  return tiles;
}

std::vector<std::int32_t> packed_order(Size original, const Preprocess& p) {
  p.check("tiles");
  require_pixels(original);
  const int side = p.tile / p.patch, positions = side * side;
  std::vector<std::int32_t> order(static_cast<std::size_t>(positions));
  std::iota(order.begin(), order.end(), 0);
  const std::vector<Size> pinpoints = p.allowed_pinpoints();
  if (pinpoints.empty()) {
    order.push_back(kNewline);
    return order;
  }
  const Size grid = best_resolution(original, pinpoints);
  int tile_rows = grid.height / p.tile, tile_columns = grid.width / p.tile;
  if (p.variant == Variant::v4412) std::swap(tile_rows, tile_columns);
  const Size current{tile_rows * side, tile_columns * side};
  const Margin drop = p.variant == Variant::v4412 ? margin_v4412(original, current) : margin_v5(original, current);
  for (int y = drop.rows; y < current.height - drop.rows; ++y) {
    for (int x = drop.columns; x < current.width - drop.columns; ++x) {
      const int tile = 1 + y / side * tile_columns + x / side;
      order.push_back(tile * positions + y % side * side + x % side);
    }
    order.push_back(kNewline);
  }
  return order;
}

}  // namespace e5v::image

#include "model/prepared_image.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace e5v::model {

std::vector<std::span<const std::uint8_t>> Patches::grid_pixels() const {
  std::vector<std::span<const std::uint8_t>> result;
  std::size_t next = 0;
  for (const PatchGrid& grid : grids) {
    const auto bytes = static_cast<std::size_t>(3 * grid.patches() * edge * edge);
    result.push_back(std::span(pixels).subspan(next, bytes));
    next += bytes;
  }
  return result;
}

Patches Patches::of(image::Tiles tiles, std::int32_t edge) {
  require<ModelError>(edge > 0 && tiles.edge % edge == 0,
                      "[patches] the tile size {} is no multiple of the patch size {}", tiles.edge, edge);
  const PatchGrid grid{tiles.edge / edge, tiles.edge / edge};
  return {edge, std::vector(static_cast<std::size_t>(tiles.count), grid), std::move(tiles.pixels)};
}

ImageLayout::ImageLayout(std::vector<std::int32_t> rows)
    : rows_(std::move(rows)), features_(std::ranges::count_if(rows_, [](std::int32_t entry) { return entry >= 0; })) {}

}  // namespace e5v::model

#include "image/preprocess.h"

#include <cmath>

namespace e5v::image {
namespace {

constexpr int kMaxEdge = 1 << 16;  // far above any model; keeps products of edges small

int edge_of(const Json& value, const char* key, std::string_view origin) {
  require<ModelError>(value.is_number_integer(), "[{}] \"{}\": expected a number of pixels, found {}", origin, key,
                      value.type_name());
  const auto edge = value.get<std::int64_t>();
  require<ModelError>(edge > 0 && edge <= kMaxEdge, "[{}] \"{}\": expected 1 to {} pixels, found {}", origin, key,
                      kMaxEdge, edge);
  return static_cast<int>(edge);
}

// Files spell a square as 336, {"shortest_edge": 336} or {"height": 336, "width": 336}.
int square_edge(const Json& config, const char* key, int fallback, std::string_view origin) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return fallback;
  if (!found->is_object()) return edge_of(*found, key, origin);
  if (found->contains("shortest_edge")) return edge_of((*found)["shortest_edge"], key, origin);
  require<ModelError>(found->contains("height") && found->contains("width"),
                      "[{}] \"{}\": expected shortest_edge, or height and width, found {}", origin, key, found->dump());
  const int height = edge_of((*found)["height"], key, origin), width = edge_of((*found)["width"], key, origin);
  require<ModelError>(height == width, "[{}] \"{}\": expected a square, found {}x{}", origin, key, width, height);
  return height;
}

std::vector<Size> pinpoints_of(const Json& list, std::string_view origin) {
  constexpr const char* kKey = "image_grid_pinpoints";
  require<ModelError>(list.is_array(), "[{}] \"{}\": expected a list of [height, width], found {}", origin, kKey,
                      list.type_name());
  std::vector<Size> pinpoints;
  for (const Json& pair : list) {
    require<ModelError>(pair.is_array() && pair.size() == 2, "[{}] \"{}\": expected [height, width], found {}", origin,
                        kKey, pair.dump());
    pinpoints.push_back({edge_of(pair[0], kKey, origin), edge_of(pair[1], kKey, origin)});
  }
  return pinpoints;
}

std::array<float, 3> channels_of(const Json& config, const char* key, std::array<float, 3> fallback,
                                 std::string_view origin) {
  const std::vector<double> default_values(fallback.begin(), fallback.end());
  const auto values = json_value(config, key, default_values, origin);
  require<ModelError>(values.size() == 3, "[{}] \"{}\": expected 3 channels, found {}", origin, key, values.size());
  for (std::size_t c = 0; c < 3; ++c) fallback[c] = static_cast<float>(values[c]);
  return fallback;
}

Filter filter_of(const Json& config, std::string_view origin) {
  constexpr int kPilBilinear = 2, kPilBicubic = 3;
  const int resample = json_value(config, "resample", kPilBicubic, origin);
  require<ModelError>(resample == kPilBilinear || resample == kPilBicubic,
                      "[{}] \"resample\": expected 2 (bilinear) or 3 (bicubic), found {}", origin, resample);
  return resample == kPilBilinear ? Filter::bilinear : Filter::bicubic;
}

}  // namespace

Preprocess Preprocess::from_json(const Json& config, std::string_view origin) {
  constexpr int kDefaultEdge = 224;  // LlavaNextImageProcessor's, not that of any released model
  require<ModelError>(config.is_object(), "[{}] expected an object, found {}", origin, config.type_name());
  for (const char* step : {"do_resize", "do_center_crop", "do_rescale", "do_normalize"})
    require<ModelError>(json_value(config, step, true, origin), "[{}] \"{}\": expected true, found false", origin,
                        step);
  Preprocess result;
  result.tile = square_edge(config, "crop_size", kDefaultEdge, origin);
  result.shortest_edge = square_edge(config, "size", kDefaultEdge, origin);
  const auto size = config.find("size");
  result.squeezed = size != config.end() && size->is_object() && !size->contains("shortest_edge");
  if (const auto list = config.find("image_grid_pinpoints"); list != config.end() && !list->is_null())
    result.grid_pinpoints = pinpoints_of(*list, origin);
  result.mean = channels_of(config, "image_mean", result.mean, origin);
  result.std = channels_of(config, "image_std", result.std, origin);
  for (const float deviation : result.std)
    require<ModelError>(deviation > 0, "[{}] \"image_std\": expected positive values, found {}", origin, deviation);
  result.rescale = json_value(config, "rescale_factor", result.rescale, origin);
  result.filter = filter_of(config, origin);
  result.patch = 1;  // unknown here, and no reason to refuse the rest
  result.check(origin);
  result.patch = Preprocess().patch;
  return result;
}

void Preprocess::check(std::string_view origin) const {
  require<ModelError>(tile > 1 && tile <= shortest_edge, "[{}] tile: expected 2 to {} pixels (\"size\"), found {}",
                      origin, shortest_edge, tile);
  require<ModelError>(patch > 0 && tile % patch == 0, "[{}] tile: expected a multiple of the patch of {}, found {}",
                      origin, patch, tile);
  for (const Size& grid : grid_pinpoints)
    require<ModelError>(grid.height > 0 && grid.width > 0 && grid.height % tile == 0 && grid.width % tile == 0,
                        "[{}] \"image_grid_pinpoints\": expected multiples of the tile of {}, found [{}, {}]", origin,
                        tile, grid.height, grid.width);
}

std::vector<Size> Preprocess::allowed_pinpoints() const {
  if (max_tiles <= 0) return grid_pinpoints;
  std::vector<Size> allowed;
  for (const Size& grid : grid_pinpoints)
    if (std::int64_t{grid.height / tile} * (grid.width / tile) + 1 <= max_tiles) allowed.push_back(grid);
  return allowed;
}

std::array<std::array<float, 256>, 3> normalize_table(const Preprocess& preprocess) {
  std::array<std::array<float, 256>, 3> table;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto value = static_cast<float>(static_cast<double>(byte) * preprocess.rescale);
      table[c][byte] = (value - preprocess.mean[c]) / preprocess.std[c];
    }
  return table;
}

}  // namespace e5v::image

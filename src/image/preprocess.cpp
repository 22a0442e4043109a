#include "image/preprocess.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace e5v::image {
namespace {

constexpr const char* kCropSize = "crop_size";
constexpr int kMaxEdge = 1 << 16;  // far above any model; keeps products of edges small

int edge_of(const Json& value, const char* key, std::string_view origin) {
  require<ModelError>(value.is_number_integer(), "[{}] \"{}\": expected a number of pixels, found {}", origin, key,
                      value.type_name());
  const auto edge = value.get<std::int64_t>();
  require<ModelError>(edge > 0 && edge <= kMaxEdge, "[{}] \"{}\": expected 1 to {} pixels, found {}", origin, key,
                      kMaxEdge, edge);
  return static_cast<int>(edge);
}

/// The spelling of a square in a file: one edge, or both.
struct Square {
  int edge = 0;
  bool both = false;
};

Square square_of(const Json& height, const Json& width, const char* key, std::string_view origin) {
  const int rows = edge_of(height, key, origin), columns = edge_of(width, key, origin);
  require<ModelError>(rows == columns, "[{}] \"{}\": expected a square, found {}x{}", origin, key, columns, rows);
  return {rows, true};
}

/// {"height": 336, "width": 336} or, for images that are not cut, {"shortest_edge": 336}. Other keys that are not null
/// mean another resizing.
Square square_of_object(const Json& object, const char* key, std::string_view origin) {
  std::string names;
  for (const auto& [name, value] : object.items())
    if (!value.is_null()) names += fmt::format("{}{}", names.empty() ? "" : " and ", in_quotes(name));
  const bool cut = std::string_view(key) == kCropSize;
  if (names == "\"shortest_edge\"" && !cut) return {edge_of(object["shortest_edge"], key, origin), false};
  require<ModelError>(names == "\"height\" and \"width\"", "[{}] \"{}\": expected {}height and width, found {}", origin,
                      key, cut ? "" : "shortest_edge, or ", names.empty() ? "neither" : names);
  return square_of(object["height"], object["width"], key, origin);
}

/// The value may also be a number, which is one edge or, with `both`, the two edges, or [height, width].
Square square_of(const Json& config, const char* key, bool both, std::string_view origin) {
  constexpr int kDefaultEdge = 224;  // LlavaNextImageProcessor's default, which no released model has
  const auto found = config.find(key);
  if (found == config.end()) return {kDefaultEdge, false};
  if (found->is_object()) return square_of_object(*found, key, origin);
  if (found->is_array() && found->size() == 2) return square_of((*found)[0], (*found)[1], key, origin);
  return {edge_of(*found, key, origin), both};
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
  const auto found = config.find(key);
  if (found == config.end()) return fallback;
  const bool same = found->is_number();  // for all channels
  const auto values =
      same ? std::vector<double>(3, found->get<double>()) : json_as<std::vector<double>>(*found, key, origin);
  require<ModelError>(values.size() == 3, "[{}] \"{}\": expected 3 channels, found {}", origin, key, values.size());
  for (std::size_t c = 0; c < 3; ++c) fallback[c] = static_cast<float>(values[c]);
  return fallback;
}

Filter filter_of(const Json& config, std::string_view origin) {
  constexpr int kPilBilinear = 2, kPilBicubic = 3;
  if (!config.contains("resample")) return Filter::bicubic;
  const Json& resample = config["resample"];
  require<ModelError>(resample == kPilBilinear || resample == kPilBicubic,
                      "[{}] \"resample\": expected 2 (bilinear) or 3 (bicubic), found {}", origin,
                      resample.is_number() ? resample.dump() : resample.type_name());
  return resample == kPilBilinear ? Filter::bilinear : Filter::bicubic;
}

/// Checks the class that wrote the file. Those of other models cut images in other ways.
void check_type(const Json& config, std::string_view origin) {
  constexpr std::array<std::string_view, 2> kFamilies{"LlavaNextImageProcessor", "CLIPImageProcessor"};
  const auto type = json_value<std::string>(config, "image_processor_type", "", origin);
  if (type.empty()) return;
  const bool known = std::any_of(kFamilies.begin(), kFamilies.end(), [&](std::string_view family) {
    return type == family || type == fmt::format("{}Fast", family) || type == fmt::format("{}Pil", family);
  });
  require<ModelError>(known, "[{}] \"image_processor_type\": expected {}, found {}", origin,
                      fmt::join(kFamilies, " or "), in_quotes(type));
}

/// In transformers, a null does not stand for the default: it omits a step, or leads to an error.
void check_nulls(const Json& config, std::string_view origin) {
  for (const char* key : {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "size", kCropSize, "resample",
                          "rescale_factor", "image_mean", "image_std", "image_grid_pinpoints"})
    require<ModelError>(!config.contains(key) || !config[key].is_null(),
                        "[{}] \"{}\": expected a value, found null; the default is that of a missing key", origin, key);
}

}  // namespace

Preprocess Preprocess::from_json(const Json& config, std::string_view origin) {
  require<ModelError>(config.is_object(), "[{}] expected an object, found {}", origin, config.type_name());
  check_type(config, origin);
  check_nulls(config, origin);
  for (const char* step : {"do_resize", "do_center_crop", "do_rescale", "do_normalize"})
    require<ModelError>(json_value(config, step, true, origin), "[{}] \"{}\": expected true, found false", origin,
                        step);
  require<ModelError>(!json_value(config, "use_square_size", false, origin),
                      "[{}] \"use_square_size\": expected false, found true; \"size\" may give height and width",
                      origin);
  Preprocess result;
  result.tile = square_of(config, kCropSize, true, origin).edge;
  const Square size = square_of(config, "size", json_value(config, "default_to_square", false, origin), origin);
  result.shortest_edge = size.edge;
  result.squeezed = size.both;
  if (const auto list = config.find("image_grid_pinpoints"); list != config.end())
    result.grid_pinpoints = pinpoints_of(*list, origin);
  result.mean = channels_of(config, "image_mean", result.mean, origin);
  result.std = channels_of(config, "image_std", result.std, origin);
  for (const float deviation : result.std)
    require<ModelError>(deviation > 0, "[{}] \"image_std\": expected positive values, found {}", origin, deviation);
  result.rescale = json_value(config, "rescale_factor", result.rescale, origin);
  result.filter = filter_of(config, origin);
  result.patch = 1;  // the patch is unknown here and cannot be checked
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

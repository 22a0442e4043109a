#pragma once
#include <array>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "image/resize.h"

namespace e5v::image {

/// Which behaviour of the reference: v5 is transformers >= 4.52; v4412 is 4.41.2, with which E5-V's figures were made.
/// It pads odd margins by one pixel too few (the short tile is then stretched), packs the tiles of a non-square grid
/// transposed, and unpads in float32.
enum class Variant { v5, v4412 };

struct Size {
  int height = 0, width = 0;
  bool operator==(const Size&) const = default;
};

/// How an image becomes tiles: what preprocessor_config.json says, and the vision tower's patch edge of config.json.
struct Preprocess {
  std::vector<Size> grid_pinpoints{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}};  ///< pixels
  int tile = 336;           ///< edge of a tile, pixels (crop_size)
  int shortest_edge = 336;  ///< edge that tiles are brought to before the centre crop, at least `tile`
  bool squeezed = false;    ///< "size" gives height and width: without any-resolution tiles, proportions go
  int patch = 14;           ///< edge of a vision patch, pixels
  std::array<float, 3> mean{0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> std{0.26862954f, 0.26130258f, 0.27577711f};
  double rescale = 1 / 255.;
  Filter filter = Filter::bicubic;
  Variant variant = Variant::v5;
  int max_tiles = 0;  ///< tiles an image may have, its base tile included; larger grids are not considered; 0: any

  /// Reads preprocessor_config.json; absent keys have LlavaNextImageProcessor's defaults. patch, variant and max_tiles
  /// are the caller's to set. Throws ModelError, led by [origin], on values that make no sense or are not supported.
  static Preprocess from_json(const Json& preprocessor_config, std::string_view origin);

  /// Throws ModelError unless every grid is a whole number of tiles and a tile a whole number of patches.
  void check(std::string_view origin) const;

  /// The pinpoints that max_tiles leaves.
  std::vector<Size> allowed_pinpoints() const;
};

/// [3][256]: what byte b of channel c is to the vision tower, (b * rescale - mean_c) / std_c, with the reference's
/// roundings: the product in double, the rest in float.
std::array<std::array<float, 256>, 3> normalize_table(const Preprocess& preprocess);

}  // namespace e5v::image

#pragma once
#include <array>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "image/resize.h"

namespace e5v::image {

/// The version of the reference: v5 is transformers >= 4.52; v4412 is 4.41.2, with which E5-V's figures were made.
/// v4412 pads odd margins by one pixel too few (the short tile is then stretched), packs the tiles of a non-square grid
/// transposed, and unpads in float32.
enum class Variant { v5, v4412 };

struct Size {
  int height = 0, width = 0;
  bool operator==(const Size&) const = default;
};

/// How an image becomes tiles: the settings of preprocessor_config.json, and the vision tower's patch edge of
/// config.json.
struct Preprocess {
  std::vector<Size> grid_pinpoints{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}};  ///< in pixels
  int tile = 336;           ///< edge of a tile in pixels (crop_size)
  int shortest_edge = 336;  ///< edge of tiles before the centre crop, at least `tile`
  bool squeezed = false;    ///< "size" gives height and width: single tiles lose the proportions
  int patch = 14;           ///< edge of a vision patch in pixels
  std::array<float, 3> mean{0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> std{0.26862954f, 0.26130258f, 0.27577711f};
  double rescale = 1 / 255.;
  Filter filter = Filter::bicubic;
  Variant variant = Variant::v5;
  int max_tiles = 0;  ///< maximum tiles of an image including its base tile; larger grids are not used; 0: no limit

  /// Reads preprocessor_config.json; absent keys have LlavaNextImageProcessor's defaults. The caller sets patch,
  /// variant and max_tiles. Throws ModelError, which begins with [origin], for values that make no sense or are not
  /// supported.
  static Preprocess from_json(const Json& preprocessor_config, std::string_view origin);

  /// Throws ModelError unless every grid is a whole number of tiles and a tile a whole number of patches.
  void check(std::string_view origin) const;

  /// The pinpoints that max_tiles allows.
  std::vector<Size> allowed_pinpoints() const;
};

/// [3][256]: the vision tower's value of byte b in channel c, (b * rescale - mean_c) / std_c. It is rounded as in the
/// reference: the product is computed in double, the rest in float.
std::array<std::array<float, 256>, 3> normalize_table(const Preprocess& preprocess);

}  // namespace e5v::image

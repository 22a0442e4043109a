#pragma once
#include <cstdint>
#include <vector>

#include "image/bitmap.h"
#include "image/preprocess.h"

// LLaVA-NeXT's "any resolution": the vision tower sees an image twice, once as a whole in one tile (the base tile), and
// once as a grid of tiles. The grid is the one that keeps most of the image's detail. Source: transformers,
// models/llava_next/{image_processing,modeling}_llava_next.py.

namespace e5v::image {

/// The size of the grid for an image: the maximum of kept pixels, then the minimum of wasted ones; the first one among
/// equals. Throws InvalidInput when there are no pinpoints or the image has no pixels. Source: select_best_resolution.
Size best_resolution(Size original, const std::vector<Size>& pinpoints);

struct Tiles {
  std::int64_t count = 0;            ///< includes the base tile
  int edge = 0;                      ///< in pixels
  Size original;                     ///< of the image, in pixels
  std::vector<std::uint8_t> pixels;  ///< [count, 3, edge, edge], base tile first, then the grid row by row
};

/// Resizes, pads and cuts an image. Makes only the base tile when max_tiles allows no grid or the model has none.
/// Throws ModelError when `preprocess` contradicts itself, InvalidInput when the image has no pixels.
Tiles make_tiles(const Bitmap& bitmap, const Preprocess& preprocess);

constexpr std::int32_t kNewline = -1;

/// The feature rows of an image in their order. A row is tile * (tile/patch)^2 + position in the tile, or kNewline.
/// First comes the base tile, then the grid without its padding, with a newline after each row. A base tile alone is
/// followed by one newline. The length is the number of image tokens. Throws like make_tiles. Source:
/// pack_image_features and unpad_image.
std::vector<std::int32_t> packed_order(Size original, const Preprocess& preprocess);

}  // namespace e5v::image

#pragma once
#include <cstdint>
#include <vector>

#include "image/bitmap.h"
#include "image/preprocess.h"

// LLaVA-NeXT's "any resolution": an image is seen once as a whole, squeezed into one tile (the base tile), and once as
// a grid of tiles at the grid size that keeps most of its detail. Source: transformers,
// models/llava_next/{image_processing,modeling}_llava_next.py.

namespace e5v::image {

/// The grid size for an image: most of the image's pixels kept, then least of the grid wasted; the first on a tie.
/// Throws InvalidInput when there are no pinpoints or the image has no pixels. Source: select_best_resolution.
Size best_resolution(Size original, const std::vector<Size>& pinpoints);

struct Tiles {
  std::int64_t count = 0;            ///< base tile included
  int edge = 0;                      ///< pixels
  Size original;                     ///< of the image, pixels
  std::vector<std::uint8_t> pixels;  ///< [count, 3, edge, edge], base tile first, then the grid row by row
};

/// Resizes, pads and cuts. Only the base tile when max_tiles allows no grid (or the model has none).
/// Throws ModelError when `preprocess` contradicts itself, InvalidInput when the image has no pixels.
Tiles make_tiles(const Bitmap& bitmap, const Preprocess& preprocess);

constexpr std::int32_t kNewline = -1;

/// Which feature rows an image contributes and in which order: tile * (tile/patch)^2 + position in the tile, or
/// kNewline. The base tile, then the grid without its padding, one newline after each row; with a base tile only, it
/// and one newline. Its length is the number of image tokens. Throws like make_tiles. Source: pack_image_features and
/// unpad_image.
std::vector<std::int32_t> packed_order(Size original, const Preprocess& preprocess);

}  // namespace e5v::image

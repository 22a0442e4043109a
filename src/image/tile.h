#pragma once
#include <cstdint>

#include "image/anyres.h"
#include "image/bitmap.h"
#include "image/preprocess.h"

/// Makes one square tile of an image.
namespace e5v::image {

/// The bitmap with its proportions and a shorter edge of p.shortest_edge; the longer edge is rounded down. The whole
/// result is computed, so the longer edge must not be many times the shorter one. Source: transformers,
/// get_resize_output_image_size.
Bitmap with_shortest_edge(Bitmap bitmap, const Preprocess& p);

/// Writes the middle of the bitmap as one tile, [3, tile, tile]. The bitmap must be at least as large.
void write_tile(const Bitmap& bitmap, int tile, std::uint8_t* out);

/// CLIP's preprocessing of an image: its shorter edge (or both edges, where "size" gives both) is resized, and the
/// middle is cut out. Throws ModelError when `p` contradicts itself, InvalidInput when the image has no pixels. Source:
/// transformers, CLIPImageProcessor over Pillow.
Tiles centre_crop(const Bitmap& bitmap, const Preprocess& p);

}  // namespace e5v::image

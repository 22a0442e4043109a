#pragma once
#include <cstdint>

#include "image/anyres.h"
#include "image/bitmap.h"
#include "image/preprocess.h"

/// One square tile out of a picture.
namespace e5v::image {

/// The bitmap in its proportions, its shorter edge brought to p.shortest_edge, the longer one rounded down. The whole
/// of it is made, so the longer edge must not be many times the shorter one.
/// Source: transformers, get_resize_output_image_size.
Bitmap with_shortest_edge(Bitmap bitmap, const Preprocess& p);

/// Writes the middle of the bitmap as one tile, [3, tile, tile]. The bitmap must be at least as large.
void write_tile(const Bitmap& bitmap, int tile, std::uint8_t* out);

/// CLIP's own view of a picture: its shorter edge (or, where "size" gives both, its two edges) resized, the middle cut
/// out. Throws ModelError when `p` contradicts itself, InvalidInput when the picture has no pixels.
/// Source: transformers, CLIPImageProcessor over Pillow.
Tiles centre_crop(const Bitmap& bitmap, const Preprocess& p);

}  // namespace e5v::image

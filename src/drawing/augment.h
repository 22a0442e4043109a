#pragma once
#include "base/philox.h"
#include "image/bitmap.h"

namespace e5v::drawing {

/// The picture as another artist might have made it, in the same size: moved, turned, stretched, now and then mirrored,
/// on white; in other colours, light or contrast, or grey; of few tones, some of them left out; with dark outlines, or
/// only these; blurred; with a part missing. What happens is the stream's: the same numbers give the same picture.
/// strength scales how far and how often, 0 changes nothing and 1 is much. A picture without pixels stays.
image::Bitmap augment(const image::Bitmap& picture, float strength, const Philox& random);

}  // namespace e5v::drawing

#pragma once
#include "base/philox.h"
#include "image/bitmap.h"

namespace e5v::drawing {

/// Changes an image at random and keeps its size. It may be moved, rotated, stretched or mirrored on white; its
/// colours, brightness and contrast may change or its colours be removed; it may have only a few tones, some of which
/// become white; it may get dark outlines, or keep only these; it may be blurred or partly covered. The same random
/// numbers give the same result. `strength` scales the size and the frequency of changes: 0 changes nothing, and 1 is
/// strong. An image without pixels is not changed.
image::Bitmap augment(const image::Bitmap& picture, float strength, const Philox& random);

}  // namespace e5v::drawing

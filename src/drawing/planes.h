#pragma once
#include <vector>

#include "image/bitmap.h"

namespace e5v::drawing {

constexpr float kWhite = 255;
constexpr int kLanes = 4;

/// A picture that is being changed: float, 0 to 255, [height, width, 4]: red, green, blue, and a lane of no meaning, so
/// that four are computed at once.
struct Planes {
  int width, height;
  std::vector<float> values;

  /// All white.
  Planes(int w, int h);
  Planes(Planes&&) = default;
  ~Planes();

  float* at(int x, int y) {
    return values.data() +
           (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * kLanes;
  }
  const float* at(int x, int y) const { return const_cast<Planes*>(this)->at(x, y); }
};

/// From a place of the result, relative to the middle, to one of the source.
struct Affine {
  float xx, xy, yx, yy, dx, dy;
};

/// The picture, bilinear, with white around it.
Planes warped(const image::Bitmap& source, const Affine& map);

/// How steep the picture is around each pixel, 0 to 1, spread by `radius`. [height, width]
std::vector<float> edges_of(const Planes& picture, int radius);

/// The mean of each pixel and its neighbours, those at the border once more instead of what lies outside.
void smooth(Planes& picture);

}  // namespace e5v::drawing

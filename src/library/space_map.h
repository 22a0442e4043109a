#pragma once
#include <cstdint>
#include <vector>

#include "library/library.h"

namespace e5v::library {

/// A photo on the map of a library.
struct MapPoint {
  std::int64_t row = 0;
  float x = 0, y = 0;  ///< from -1 to 1
  bool operator==(const MapPoint&) const = default;
};

/// The map of a library: its vectors projected on the two directions of their largest variance.
struct SpaceMap {
  std::vector<MapPoint> points;  ///< by row
  std::int64_t photos = 0;       ///< those that the map could have shown
  double variance = 0;           ///< the share of the variance that the two directions have
};

/// The map of the photos whose rows are `rows`, sorted. If there are more than `most`, the map shows that many, evenly
/// chosen by row. Principal component analysis by orthogonal iteration from fixed directions, over at most 4,096 of the
/// photos: equal vectors give equal maps, up to rounding. The sign of a direction is that of its largest entry.
SpaceMap map_of(Library& library, const std::vector<std::int64_t>& rows, std::int64_t most = 20'000);

}  // namespace e5v::library

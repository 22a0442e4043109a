#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace e5v::report {

struct Point {
  double x = 0, y = 0;
  bool operator==(const Point&) const = default;
};

/// The points with y averaged over about `window` neighbours: an exponential moving average forwards, then backwards
/// over its result, so that the line does not lag behind. Each point weighs exp(-2 distance / window) or so; a window
/// of 1 or less changes nothing.
std::vector<Point> smoothed(std::span<const Point> points, double window);

/// At most `max_count` of the points, for drawing: of each run of neighbours the lowest and the highest, so that no
/// peak is lost. All of them if they are no more than that; `most` is at least 2.
std::vector<Point> thinned(std::span<const Point> points, std::size_t max_count);

}  // namespace e5v::report

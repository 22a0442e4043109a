#include "report/series.h"

#include <algorithm>

namespace e5v::report {
namespace {

/// Replaces each y by the average of it and those before, weighted by powers of `keep`. Both sums start at nothing, so
/// the first points are not drawn towards 0.
template <class Iterator>
void average_on_the_way(Iterator begin, Iterator end, double keep) {
  double sum = 0, weight = 0;
  for (; begin != end; ++begin) {
    sum = keep * sum + begin->y;
    weight = keep * weight + 1;
    begin->y = sum / weight;
  }
}

}  // namespace

std::vector<Point> smoothed(std::span<const Point> points, double window) {
  std::vector<Point> line(points.begin(), points.end());
  if (window <= 1) return line;
  const double keep = (window - 1) / (window + 1);
  average_on_the_way(line.begin(), line.end(), keep);
  average_on_the_way(line.rbegin(), line.rend(), keep);
  return line;
}

std::vector<Point> thinned(std::span<const Point> points, std::size_t max_count) {
  if (points.size() <= max_count) return {points.begin(), points.end()};
  const std::size_t runs = std::max<std::size_t>(1, max_count / 2);
  std::vector<Point> kept;
  for (std::size_t run = 0; run < runs; ++run) {
    const std::size_t begin = points.size() * run / runs, end = points.size() * (run + 1) / runs;
    const auto part = points.subspan(begin, end - begin);
    const auto by_height = [](const Point& a, const Point& b) { return a.y < b.y; };
    auto [first, second] = std::minmax_element(part.begin(), part.end(), by_height);
    if (first > second) std::swap(first, second);
    kept.push_back(*first);
    if (first != second) kept.push_back(*second);
  }
  return kept;
}

}  // namespace e5v::report

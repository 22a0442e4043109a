#include "report/series.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace e5v::report {
namespace {

std::vector<Point> line_of(int count, double (*height)(int)) {
  std::vector<Point> points;
  for (int i = 0; i < count; ++i) points.push_back({static_cast<double>(i), height(i)});
  return points;
}

TEST(Smoothed, KeepsALevelAndItsEnds) {
  for (const Point& point : smoothed(line_of(50, [](int) { return 3.0; }), 10)) EXPECT_NEAR(point.y, 3, 1e-12);
}

TEST(Smoothed, DoesNotLag) {
  const auto points = smoothed(line_of(200, [](int i) { return static_cast<double>(i); }), 10);
  for (std::size_t i = 60; i < 140; ++i) EXPECT_NEAR(points[i].y, points[i].x, 1e-3);
}

TEST(Smoothed, TakesNoiseAway) {
  const auto points = smoothed(line_of(200, [](int i) { return i % 2 == 0 ? 1.0 : -1.0; }), 20);
  for (std::size_t i = 40; i < 160; ++i) EXPECT_LT(std::abs(points[i].y), 0.05);
}

TEST(Smoothed, WindowOfOneChangesNothing) {
  const auto points = line_of(20, [](int i) { return std::sin(i); });
  EXPECT_EQ(smoothed(points, 1), points);
  EXPECT_TRUE(smoothed({}, 5).empty());
}

TEST(Thinned, KeepsPeaksAndOrder) {
  auto points = line_of(10000, [](int i) { return std::sin(i / 1000.0); });
  points[4321].y = 9;
  points[4322].y = -9;
  const auto kept = thinned(points, 100);
  EXPECT_LE(kept.size(), 100u);
  EXPECT_THAT(kept, testing::Contains(points[4321]));
  EXPECT_THAT(kept, testing::Contains(points[4322]));
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end(), [](const Point& a, const Point& b) { return a.x < b.x; }));
}

TEST(Thinned, LeavesFewAsTheyAre) {
  const auto points = line_of(100, [](int i) { return std::sin(i); });
  EXPECT_EQ(thinned(points, 100), points);
  EXPECT_EQ(thinned(points, 2).size(), 2u);
}

}  // namespace
}  // namespace e5v::report

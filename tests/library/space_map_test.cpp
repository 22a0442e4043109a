#include "library/space_map.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <random>

#include "base/error.h"
#include "temporary_folder.h"

namespace e5v::library {
namespace {

constexpr std::int64_t kMapWidth = 24;

class SpaceMapTest : public testing::Test {
 protected:
  void SetUp() override {
    ModelRecord model;
    model.folder = "/m";
    model.width = kMapWidth;
    library_.set_model(model);
  }
  void add(const std::vector<float>& vector) {
    const std::int64_t row = library_.writer().add(vector);
    library_.catalogue().add_photo({static_cast<std::uint64_t>(row), 5}, row, {});
    rows_.push_back(row);
  }
  SpaceMap map(std::int64_t most = 1000) {
    library_.writer().flush();
    return map_of(library_, rows_, most);
  }

  test::TemporaryFolder folder_;
  Library library_{folder_.path(), "test"};
  std::vector<std::int64_t> rows_;
};

TEST_F(SpaceMapTest, ItShowsTheDirectionsOfTheLargestVariance) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> along, across;
  for (int i = 0; i < 400; ++i) {
    std::vector<float> vector(kMapWidth, 0.1f);
    for (float& value : vector) value += 0.01f * normal(random);
    along.push_back(normal(random)), across.push_back(normal(random));
    vector[7] += 0.5f * along.back(), vector[3] += 0.2f * across.back();
    add(vector);
  }
  const SpaceMap made = map();
  ASSERT_EQ(made.points.size(), 400u);
  EXPECT_GT(made.variance, 0.98);
  // The coordinates are those of the two directions, scaled.
  const auto correlation = [&](const std::vector<float>& expected, float MapPoint::*coordinate) {
    double ab = 0, aa = 0, bb = 0, ma = 0, mb = 0;
    for (std::size_t i = 0; i < 400; ++i) ma += expected[i] / 400, mb += made.points[i].*coordinate / 400;
    for (std::size_t i = 0; i < 400; ++i) {
      const double a = expected[i] - ma, b = made.points[i].*coordinate - mb;
      ab += a * b, aa += a * a, bb += b * b;
    }
    return ab / std::sqrt(aa * bb);
  };
  EXPECT_GT(correlation(along, &MapPoint::x), 0.99);
  EXPECT_GT(correlation(across, &MapPoint::y), 0.98);
  for (const MapPoint& point : made.points) EXPECT_TRUE(std::abs(point.x) <= 1 && std::abs(point.y) <= 1);
}

TEST_F(SpaceMapTest, FewOrEqualPhotosHaveAMap) {
  EXPECT_TRUE(map().points.empty());
  add(std::vector<float>(kMapWidth, 0.2f));
  EXPECT_EQ(map().points, (std::vector<MapPoint>{{0, 0, 0}}));
  add(std::vector<float>(kMapWidth, 0.2f));
  EXPECT_EQ(map().points.size(), 2u);
  EXPECT_TRUE(std::isfinite(map().points[1].y));
  EXPECT_EQ(map().variance, 0);
}

TEST_F(SpaceMapTest, LargeLibrariesAreChosenFromEvenly) {
  for (int i = 0; i < 100; ++i) {
    std::vector<float> vector(kMapWidth);
    vector[static_cast<std::size_t>(i) % kMapWidth] = 1;
    add(vector);
  }
  const SpaceMap made = map(10);
  EXPECT_EQ(made.photos, 100);
  ASSERT_EQ(made.points.size(), 10u);
  EXPECT_EQ(made.points[3].row, 30);
  EXPECT_THROW(map_of(library_, rows_, 0), InvalidInput);
}

}  // namespace
}  // namespace e5v::library

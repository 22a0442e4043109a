#include "library/space_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "base/error.h"
#include "base/parallel.h"

namespace e5v::library {
namespace {

constexpr std::int64_t kSample = 4096;
constexpr int kRounds = 60;
/// Points in the outermost part of each side are drawn at the edge, so that outliers do not press the others together.
constexpr double kClipped = 0.002;

using Directions = std::array<std::vector<double>, 2>;

/// At most `most` of the rows, evenly chosen.
std::vector<std::int64_t> evenly(const std::vector<std::int64_t>& rows, std::int64_t most) {
  const std::int64_t count = std::ssize(rows);
  if (count <= most) return rows;
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < most; ++i) chosen.push_back(rows[static_cast<std::size_t>(i * count / most)]);
  return chosen;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += a[d] * b[d];
  return sum;
}

/// Scales to length 1; false if the length is 0.
bool normalize(std::vector<double>& vector) {
  const double length = std::sqrt(dot(vector, vector));
  if (length < 1e-12) return false;
  for (double& value : vector) value /= length;
  return true;
}

/// Vectors with their mean subtracted: f32 [rows, width].
struct Centred {
  std::vector<double> mean;
  std::vector<float> values;
  std::size_t rows, width;
};

Centred centred(const VectorRows& vectors, const std::vector<std::int64_t>& rows) {
  const auto width = static_cast<std::size_t>(vectors.width());
  Centred result{std::vector<double>(width), {}, rows.size(), width};
  result.values.reserve(rows.size() * width);
  for (const std::int64_t row : rows)
    for (const tensor::Half value : vectors.row(row)) result.values.push_back(static_cast<float>(value));
  for (std::size_t i = 0; i < result.values.size(); ++i) result.mean[i % width] += result.values[i];
  for (double& value : result.mean) value /= static_cast<double>(rows.size());
  for (std::size_t i = 0; i < result.values.size(); ++i) result.values[i] -= static_cast<float>(result.mean[i % width]);
  return result;
}

/// X'X v for the centred vectors X.
std::vector<double> multiplied(const Centred& sample, const std::vector<double>& direction) {
  std::vector<double> result(sample.width);
  for (std::size_t row = 0; row < sample.rows; ++row) {
    const float* values = sample.values.data() + row * sample.width;
    double product = 0;
    for (std::size_t d = 0; d < sample.width; ++d) product += values[d] * direction[d];
    for (std::size_t d = 0; d < sample.width; ++d) result[d] += product * values[d];
  }
  return result;
}

void remove_part(std::vector<double>& vector, const std::vector<double>& direction) {
  const double part = dot(vector, direction);
  for (std::size_t d = 0; d < vector.size(); ++d) vector[d] -= part * direction[d];
}

void make_largest_entry_positive(std::vector<double>& direction) {
  const double largest = *std::ranges::max_element(direction, {}, [](double value) { return std::abs(value); });
  if (largest < 0)
    for (double& value : direction) value = -value;
}

/// The two directions of the largest variance, by orthogonal iteration (Golub and Van Loan, Matrix Computations, 7.3).
Directions main_directions(const Centred& sample) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  Directions directions;
  for (std::vector<double>& direction : directions) {
    direction.resize(sample.width);
    for (double& value : direction) value = normal(random);
    normalize(direction);
  }
  for (int round = 0; round < kRounds; ++round) {
    parallel_for(2, 1, [&](std::int64_t i) {
      auto& direction = directions[static_cast<std::size_t>(i)];
      direction = multiplied(sample, direction);
    });
    for (int i = 0; i < 2; ++i) {
      if (i == 1) remove_part(directions[1], directions[0]);
      if (!normalize(directions[static_cast<std::size_t>(i)])) break;  // there is no variance in this direction
    }
  }
  for (std::vector<double>& direction : directions) make_largest_entry_positive(direction);
  return directions;
}

/// The share of the variance of the sample that the directions have.
double variance_share(const Centred& sample, const Directions& directions) {
  double all = 0, theirs = 0;
  for (const float value : sample.values) all += double{value} * value;
  for (const std::vector<double>& direction : directions) theirs += dot(direction, multiplied(sample, direction));
  return all > 0 ? theirs / all : 0;
}

/// Scales coordinates to -1 to 1.
void fit(std::vector<MapPoint>& points, float MapPoint::*coordinate) {
  std::vector<float> sorted;
  sorted.reserve(points.size());
  for (const MapPoint& point : points) sorted.push_back(point.*coordinate);
  std::ranges::sort(sorted);
  const auto outside = static_cast<std::size_t>(kClipped * static_cast<double>(sorted.size()));
  const float low = sorted[outside], high = sorted[sorted.size() - 1 - outside];
  const float middle = (low + high) / 2, half = std::max((high - low) / 2, 1e-9f);
  for (MapPoint& point : points) point.*coordinate = std::clamp((point.*coordinate - middle) / half, -1.0f, 1.0f);
}

}  // namespace

SpaceMap map_of(Library& library, const std::vector<std::int64_t>& rows, std::int64_t most) {
  require(most > 0, "[map] expected room for at least one photo, found {}", most);
  SpaceMap map;
  map.photos = std::ssize(rows);
  const std::optional<VectorRows> vectors = library.vectors();
  if (!vectors || rows.empty()) return map;
  const Centred sample = centred(*vectors, evenly(rows, kSample));
  const Directions directions = main_directions(sample);
  map.variance = variance_share(sample, directions);
  for (const std::int64_t row : evenly(rows, most)) map.points.push_back({row, 0, 0});
  parallel_for(std::ssize(map.points), 256, [&](std::int64_t i) {
    MapPoint& point = map.points[static_cast<std::size_t>(i)];
    const std::span<const tensor::Half> vector = vectors->row(point.row);
    double x = 0, y = 0;
    for (std::size_t d = 0; d < vector.size(); ++d) {
      const double value = double{static_cast<float>(vector[d])} - sample.mean[d];
      x += value * directions[0][d], y += value * directions[1][d];
    }
    point.x = static_cast<float>(x), point.y = static_cast<float>(y);
  });
  fit(map.points, &MapPoint::x), fit(map.points, &MapPoint::y);
  return map;
}

}  // namespace e5v::library

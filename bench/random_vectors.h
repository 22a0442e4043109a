#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "base/parallel.h"
#include "base/philox.h"
#include "tensor/matrix.h"
#include "vectors/nibble_rows.h"

/// Vectors to search in, and the definition of what a search finds.
namespace e5v::bench {

using Half = std::uint16_t;

/// The f16 numbers that are nearest to 256 quantiles of a normal distribution with the standard deviation
/// 1 / sqrt(width), so that vectors of random entries have a length of about 1.
inline std::array<Half, 256> normal_numbers(std::int64_t width) {
  std::array<Half, 256> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    // The quantile by bisection of the distribution function.
    double low = -5, high = 5;
    for (int step = 0; step < 40; ++step) {
      const double middle = (low + high) / 2, share = 0.5 * std::erfc(-middle / std::sqrt(2.0));
      (share < (static_cast<double>(i) + 0.5) / 256 ? low : high) = middle;
    }
    int exponent = 0;
    const double fraction = std::frexp(std::abs(low) / std::sqrt(static_cast<double>(width)), &exponent);
    const auto bits = static_cast<int>(std::lround((fraction * 2 - 1) * 1024)) + ((exponent - 1 + 15) << 10);
    numbers[i] = static_cast<Half>(bits | (low < 0 ? 0x8000 : 0));
  }
  return numbers;
}

/// Random vectors. Those that are not even belong to one of 1,000 clusters: each entry is that of the cluster's centre
/// with a probability of the vector's own between 0.2 and 0.9, which is also about its cosine with the centre.
class RandomVectors {
 public:
  RandomVectors(std::int64_t width, bool even) : even_(even), numbers_(normal_numbers(width)) {}

  void fill(std::int64_t row, std::span<Half> vector_D) const {
    constexpr std::uint64_t kClusters = 1000;
    const Philox random(1, static_cast<std::uint64_t>(row) + kClusters);
    const auto head = random.block(0);
    const Philox centre(1, head[0] % kClusters);
    const std::uint32_t share = even_ ? 0 : 51 + head[1] % 180;  // of 256
    for (std::size_t d = 0; d < vector_D.size(); d += 4) {
      const auto own = random.block(1 + d / 4), of_centre = centre.block(d / 4);
      for (std::size_t i = 0; i < std::min<std::size_t>(4, vector_D.size() - d); ++i)
        vector_D[d + i] = numbers_[((own[i] >> 8 & 255) < share ? of_centre[i] : own[i]) & 255];
    }
  }

 private:
  bool even_;
  std::array<Half, 256> numbers_;
};

/// The k best by all products in double; equal ones by index.
inline std::vector<std::int64_t> all_products(std::span<const float> query_D, tensor::ConstMatrix vectors_CD,
                                              std::int64_t k) {
  std::vector<double> scores(static_cast<std::size_t>(vectors_CD.rows));
  parallel_for((vectors_CD.rows + 63) / 64, 1, [&](std::int64_t chunk) {
    std::vector<float> vector_D(query_D.size());
    for (std::int64_t c = chunk * 64; c < std::min(vectors_CD.rows, chunk * 64 + 64); ++c) {
      vectors::copy_as_floats(vectors_CD, c, vectors::matrix_of_floats(vector_D, 1));
      double& sum = scores[static_cast<std::size_t>(c)];
      for (std::size_t d = 0; d < vector_D.size(); ++d) sum += double{query_D[d]} * vector_D[d];
    }
  });
  std::vector<std::int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::size_t>(order.size(), static_cast<std::size_t>(k)));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](std::int64_t a, std::int64_t b) {
    const double left = scores[static_cast<std::size_t>(a)], right = scores[static_cast<std::size_t>(b)];
    return left > right || (left == right && a < b);
  });
  order.resize(static_cast<std::size_t>(count));
  return order;
}

}  // namespace e5v::bench

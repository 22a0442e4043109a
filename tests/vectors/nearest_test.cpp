#include "vectors/nearest.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "tensor/tensor.h"

namespace e5v::vectors {
namespace {

using testing::ThrowsMessage;

/// Unit vectors near a few centres, or spread evenly (spread 0); each tenth is the one before.
tensor::Tensor unit_vectors(std::int64_t rows, std::int64_t width, double spread, unsigned seed) {
  tensor::Tensor result(tensor::DType::f32, {rows, width});
  std::mt19937 random(seed), of_centres(1);
  std::normal_distribution<double> normal;
  std::vector<double> centres(4 * static_cast<std::size_t>(width));
  for (double& value : centres) value = normal(of_centres);
  for (std::int64_t i = 0; i < rows; ++i) {
    float* row = tensor::matrix_of(result).row<float>(i);
    double length = 0;
    const double* centre = centres.data() + static_cast<std::int64_t>(random() % 4) * width;
    for (std::int64_t d = 0; d < width; ++d) {
      row[d] = static_cast<float>((spread > 0 ? centre[d] : 0) + (spread > 0 ? spread : 1) * normal(random));
      length += double{row[d]} * row[d];
    }
    for (std::int64_t d = 0; d < width; ++d) row[d] /= static_cast<float>(std::sqrt(length));
    if (i % 10 == 9) std::copy_n(tensor::matrix_of(result).row<float>(i - 1), width, row);
  }
  return result;
}

std::span<const float> row_of(const tensor::Tensor& vectors, std::int64_t row) {
  const tensor::ConstMatrix matrix = tensor::matrix_of(vectors.view());
  return {matrix.row<float>(row), static_cast<std::size_t>(matrix.columns)};
}

/// All dot products in double, in order.
std::vector<Neighbour> naive(std::span<const float> query, const tensor::Tensor& vectors, std::int64_t k,
                             std::span<const std::uint8_t> allowed) {
  std::vector<std::pair<double, std::int64_t>> all;
  for (std::int64_t c = 0; c < vectors.shape()[0]; ++c) {
    if (!allowed.empty() && allowed[static_cast<std::size_t>(c)] == 0) continue;
    double sum = 0;
    for (std::size_t d = 0; d < query.size(); ++d) sum += double{query[d]} * row_of(vectors, c)[d];
    all.emplace_back(sum, c);
  }
  std::ranges::stable_sort(all, std::greater(), &std::pair<double, std::int64_t>::first);
  all.resize(std::min(all.size(), static_cast<std::size_t>(k)));
  std::vector<Neighbour> list;
  for (const auto& [score, candidate] : all) list.push_back({candidate, static_cast<float>(score)});
  return list;
}

/// Equal candidates, and scores that may differ in the order of summation in double.
void expect_equal(const std::vector<Neighbour>& found, const std::vector<Neighbour>& expected, const char* what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].candidate, expected[i].candidate) << what << " " << i;
    EXPECT_FLOAT_EQ(found[i].score, expected[i].score) << what << " " << i;
  }
}

TEST(Nearest, IsTheListOfAllProducts) {
  for (const std::int64_t width : {3, 128, 1000}) {
    for (const double spread : {0.0, 0.02, 1.0}) {
      const tensor::Tensor vectors = unit_vectors(1000, width, spread, 5), queries = unit_vectors(4, width, spread, 6);
      NibbleBuffer buffer(width);
      buffer.append(tensor::matrix_of(vectors.view()));
      std::vector<std::uint8_t> some(1000);
      for (std::size_t i = 0; i < some.size(); ++i) some[i] = i % 7 == 0;
      for (std::int64_t q = 0; q < 4; ++q) {
        for (const std::int64_t k : {1, 10, 100}) {
          const auto query = row_of(queries, q);
          expect_equal(nearest(query, tensor::matrix_of(vectors.view()), buffer.rows(), k),
                       naive(query, vectors, k, {}), "all");
          expect_equal(nearest(query, tensor::matrix_of(vectors.view()), buffer.rows(), k, some),
                       naive(query, vectors, k, some), "some");
        }
      }
    }
  }
}

TEST(Nearest, ReadsFewVectorsOfClusters) {
  const tensor::Tensor vectors = unit_vectors(8'000, 1024, 1.0, 5);
  NibbleBuffer buffer(1024);
  buffer.append(tensor::matrix_of(vectors.view()));
  NearestCounts counts;
  nearest(row_of(vectors, 17), tensor::matrix_of(vectors.view()), buffer.rows(), 10, {}, &counts);
  EXPECT_EQ(counts.high, 8'000);
  EXPECT_LT(counts.low, 4'000);
  EXPECT_LT(counts.exact, 400);
}

TEST(Nearest, ListsAreShorterWithFewCandidates) {
  const tensor::Tensor vectors = unit_vectors(5, 128, 1.0, 5);
  NibbleBuffer buffer(128);
  EXPECT_TRUE(nearest(row_of(vectors, 0), tensor::matrix_of(vectors.view()), buffer.rows(), 3).empty());
  buffer.append(tensor::matrix_of(vectors.view()));
  EXPECT_EQ(nearest(row_of(vectors, 0), tensor::matrix_of(vectors.view()), buffer.rows(), 9).size(), 5);
  EXPECT_TRUE(
      nearest(row_of(vectors, 0), tensor::matrix_of(vectors.view()), buffer.rows(), 9, std::vector<std::uint8_t>(5))
          .empty());
}

/// A query and vectors of zeros, and one that is far longer than the others.
TEST(Nearest, LengthsMayDiffer) {
  tensor::Tensor vectors = unit_vectors(300, 256, 0, 5);
  std::fill_n(tensor::matrix_of(vectors).row<float>(3), 256, 0.0f);
  for (std::int64_t d = 0; d < 256; ++d) tensor::matrix_of(vectors).row<float>(4)[d] *= 1e4f;
  NibbleBuffer buffer(256);
  buffer.append(tensor::matrix_of(vectors.view()));
  const auto query = row_of(vectors, 8);
  expect_equal(nearest(query, tensor::matrix_of(vectors.view()), buffer.rows(), 300), naive(query, vectors, 300, {}),
               "long");
  const std::vector<float> zeros(256);
  expect_equal(nearest(zeros, tensor::matrix_of(vectors.view()), buffer.rows(), 20), naive(zeros, vectors, 20, {}),
               "zeros");
}

TEST(Nearest, RefusesWhatDoesNotFit) {
  const tensor::Tensor vectors = unit_vectors(5, 128, 1.0, 5);
  NibbleBuffer buffer(128);
  buffer.append(tensor::matrix_of(vectors.view()));
  const auto search = [&](std::int64_t width, std::int64_t k, std::size_t allowed) {
    return [&, width, k, allowed] {
      nearest(row_of(vectors, 0).first(static_cast<std::size_t>(width)), tensor::matrix_of(vectors.view()),
              buffer.rows(), k, std::vector<std::uint8_t>(allowed));
    };
  };
  EXPECT_THAT(search(128, 0, 0),
              ThrowsMessage<InvalidInput>("[nearest] the first 0 of a list are wanted, expected at least 1"));
  EXPECT_THAT(search(64, 1, 0),
              ThrowsMessage<InvalidInput>(
                  "[nearest] the query has 64 dimensions, the vectors 128, and their rounded form 128"));
  EXPECT_THAT(search(128, 1, 4),
              ThrowsMessage<InvalidInput>("[nearest] 5 vectors are rounded, of 5, and 4 may be allowed"));
}

}  // namespace
}  // namespace e5v::vectors

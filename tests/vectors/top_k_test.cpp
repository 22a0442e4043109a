#include "vectors/top_k.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "ops/isa.h"
#include "tensor/tensor.h"
#include "vectors/vector_index.h"

namespace e5v::vectors {
namespace {

using testing::ThrowsMessage;

/// Whole numbers, many of them equal, so that dot products are exact and often alike.
tensor::Tensor small_numbers(std::int64_t rows, std::int64_t width, unsigned seed) {
  tensor::Tensor result(tensor::DType::f32, {rows, width});
  std::mt19937 random(seed);
  for (float& value : result.as<float>()) value = static_cast<float>(static_cast<int>(random() % 5) - 2);
  return result;
}

/// Of length about 1 and in few directions: many are nearly alike, and each tenth is the one before.
tensor::Tensor close_vectors(std::int64_t rows, std::int64_t width, double spread, unsigned seed) {
  tensor::Tensor result(tensor::DType::f32, {rows, width});
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1 / std::sqrt(static_cast<double>(width)));
  std::vector<double> centre(static_cast<std::size_t>(width));
  for (double& value : centre) value = normal(random);
  for (std::int64_t i = 0; i < rows; ++i) {
    float* row = tensor::matrix_of(result).row<float>(i);
    for (std::int64_t d = 0; d < width; ++d)
      row[d] = static_cast<float>(centre[static_cast<std::size_t>(d)] + spread * normal(random));
    if (i % 10 == 9) std::copy_n(tensor::matrix_of(result).row<float>(i - 1), width, row);
  }
  return result;
}

struct Wanted {
  std::int64_t k = 7;
  std::vector<Match> excluded;
  Filter allowed;
};

/// By the definition: all exact similarities in order.
std::vector<Neighbour> naive(const tensor::Tensor& queries, const tensor::Tensor& candidates, std::int64_t query,
                             const Wanted& wanted) {
  std::vector<std::pair<double, std::int64_t>> all;
  for (std::int64_t c = 0; c < candidates.shape()[0]; ++c) {
    if (std::ranges::count(wanted.excluded, Match{query, c}) > 0 || (wanted.allowed && !wanted.allowed(c))) continue;
    const Match match{query, c};
    double score = 0;
    VectorScores(tensor::matrix_of(queries.view()), tensor::matrix_of(candidates.view()))
        .exact({&match, 1}, {&score, 1});
    all.emplace_back(score, c);
  }
  std::ranges::stable_sort(all, std::greater(), &std::pair<double, std::int64_t>::first);
  all.resize(std::min(all.size(), static_cast<std::size_t>(wanted.k)));
  std::vector<Neighbour> list;
  for (const auto& [score, candidate] : all) list.push_back({candidate, static_cast<float>(score)});
  return list;
}

/// Compares some of the lists with the naive twin, with and without an index.
void expect_exact(const tensor::Tensor& queries, const tensor::Tensor& candidates, const Wanted& wanted,
                  std::int64_t step = 1) {
  const VectorIndex index(tensor::matrix_of(candidates.view()));
  for (const VectorScores& scores :
       {VectorScores(tensor::matrix_of(queries.view()), tensor::matrix_of(candidates.view())),
        VectorScores(tensor::matrix_of(queries.view()), index)}) {
    const auto lists = top_k(scores, wanted.k, wanted.excluded, wanted.allowed);
    ASSERT_EQ(lists.size(), static_cast<std::size_t>(queries.shape()[0]));
    for (std::int64_t q = 0; q < queries.shape()[0]; q += step)
      ASSERT_EQ(lists[static_cast<std::size_t>(q)], naive(queries, candidates, q, wanted)) << "query " << q;
  }
}

TEST(TopK, IsTheBeginningOfTheSortedListWhateverTheBlocks) {
  for (const auto& [queries, candidates] :
       {std::pair{3, 2}, std::pair{1, 1}, std::pair{1, 9000}, std::pair{513, 4097}, std::pair{1100, 50}}) {
    const Wanted wanted{7, {{0, 0}, {0, candidates - 1}}, nullptr};
    expect_exact(small_numbers(queries, 8, 1), small_numbers(candidates, 8, 2), wanted, 53);
  }
}

TEST(TopK, IsExactUnderTheScreenOf8Bits) {
  const tensor::Tensor queries = close_vectors(5, 512, 1, 1), candidates = close_vectors(4000, 512, 1, 2);
  EXPECT_EQ(VectorIndex(tensor::matrix_of(candidates.view())).bytes() != nullptr, ops::vector_bits() >= 256);
  expect_exact(queries, candidates, {});
  expect_exact(queries, candidates, {.k = 1, .excluded = {}, .allowed = nullptr});
}

/// The first ones differ by less than 8 bits can tell, and then by less than sums in f32 can.
TEST(TopK, IsExactWhereScreensDecideLittle) {
  expect_exact(close_vectors(3, 512, 1, 1), close_vectors(3000, 512, 1e-3, 2), {});
  expect_exact(close_vectors(3, 512, 1, 1), close_vectors(3000, 512, 1e-7, 2), {});
}

TEST(TopK, EqualCandidatesComeByIndexHoweverManyThereAre) {
  tensor::Tensor candidates(tensor::DType::f32, {40000, 4});  // more than are ever kept open
  std::ranges::fill(candidates.as<float>(), 0.5f);
  tensor::matrix_of(candidates).row<float>(39999)[0] = 0.75f;
  const tensor::Tensor query = small_numbers(1, 4, 3);
  std::ranges::fill(query.as<float>(), 1.0f);
  const auto list = top_k(VectorScores(tensor::matrix_of(query.view()), tensor::matrix_of(candidates.view())), 3)[0];
  EXPECT_THAT(list, testing::ElementsAre(Neighbour{39999, 2.25f}, Neighbour{0, 2}, Neighbour{1, 2}));
}

TEST(TopK, FewerCandidatesThanWantedAreAllFound) {
  expect_exact(small_numbers(4, 8, 1), small_numbers(30, 8, 2), {.k = 1000, .excluded = {{2, 5}}, .allowed = nullptr});
  const Wanted none{3, {}, [](std::int64_t) { return false; }};
  expect_exact(small_numbers(2, 8, 1), small_numbers(30, 8, 2), none);
}

TEST(TopK, FiltersLeaveTheRestInOrder) {
  const Filter odd = [](std::int64_t candidate) { return candidate % 2 == 1; };
  expect_exact(small_numbers(4, 8, 1), small_numbers(9000, 8, 2), {5, {{0, 1}, {3, 7}}, odd});
  const Filter one = [](std::int64_t candidate) { return candidate == 8999; };
  expect_exact(small_numbers(4, 8, 1), small_numbers(9000, 8, 2), {5, {}, one});
}

TEST(TopK, RefusesWhatHasNoMeaning) {
  const tensor::Tensor two = small_numbers(2, 8, 1);
  const VectorScores scores(tensor::matrix_of(two.view()), tensor::matrix_of(two.view()));
  EXPECT_THAT([&] { top_k(scores, 0); },
              ThrowsMessage<InvalidInput>("[ranking] the first 0 of a list are wanted, expected at least 1"));
  const Match match{2, 0};
  EXPECT_THROW(top_k(scores, 1, {&match, 1}), InvalidInput);
}

}  // namespace
}  // namespace e5v::vectors

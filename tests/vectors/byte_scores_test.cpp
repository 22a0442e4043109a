// Approximate similarities, and ranks that do not depend on them.
#include "vectors/byte_scores.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ops/isa.h"
#include "vectors/ranking.h"

namespace e5v::vectors {
namespace {

constexpr std::int64_t kWidth = 512, kTexts = 1050, kImages = 512;  // enough products for 8 bits, and an odd block

/// Texts around images: each fifth of the texts lies near an image. Numbers are multiples of 2^-12 below 1, so that
/// dot products are exact in double, whatever their order.
struct Vectors {
  tensor::Tensor texts{tensor::DType::f32, {kTexts, kWidth}}, images{tensor::DType::f32, {kImages, kWidth}};

  float* text(std::int64_t i) { return tensor::matrix_of(texts).row<float>(i); }
  float* image(std::int64_t i) { return tensor::matrix_of(images).row<float>(i); }
  VectorScores scores() const { return {tensor::matrix_of(texts.view()), tensor::matrix_of(images.view())}; }

  double exact(std::int64_t t, std::int64_t i) const {
    const float *a = tensor::matrix_of(texts.view()).row<float>(t), *b = tensor::matrix_of(images.view()).row<float>(i);
    double sum = 0;
    for (std::int64_t d = 0; d < kWidth; ++d) sum += static_cast<double>(a[d]) * static_cast<double>(b[d]);
    return sum;
  }
};

double longest(const tensor::Tensor& rows) {
  double most = 0;
  for (const float length : lengths_of(tensor::matrix_of(rows.view()))) most = std::max(most, double{length});
  return most;
}

float grid(double value) { return static_cast<float>(std::nearbyint(std::clamp(value, -1.0, 1.0) * 4096) / 4096); }

/// `noise` is how far a text lies from its image, as a multiple of the image itself.
Vectors made(double noise) {
  Vectors v;
  std::mt19937 random(7);
  std::normal_distribution<double> normal(0, 0.2);
  for (std::int64_t i = 0; i < kImages; ++i)
    for (std::int64_t d = 0; d < kWidth; ++d) v.image(i)[d] = grid(normal(random));
  // Near ties: the next image differs in one number by the smallest step. Ties: each tenth is the one before.
  for (std::int64_t i = 1; i < kImages; i += 2) {
    std::copy_n(v.image(i - 1), kWidth, v.image(i));
    if (i % 10 != 5) v.image(i)[i % kWidth] += 0x1p-12f;
  }
  for (std::int64_t t = 0; t < kTexts; ++t)
    for (std::int64_t d = 0; d < kWidth; ++d) v.text(t)[d] = grid(v.image(t % kImages)[d] + noise * normal(random));
  std::copy_n(v.text(0), kWidth, v.text(2));  // texts that are alike
  return v;
}

Relation relation_of() {
  Relation relation;
  for (std::int64_t t = 0; t < kTexts; ++t) {
    if (t % 7 != 3) relation.positives.push_back({t, t % kImages});
    if (t % 3 == 0) relation.excluded.push_back({t, (t + 1) % kImages});
  }
  return relation;
}

/// Ranks of rows, by the definition; `score` gives their similarities with columns.
void expect_ranks(const std::vector<std::optional<Rank>>& ranks, std::int64_t columns, const Relation& relation,
                  bool of_texts, const std::vector<double>& scores) {
  std::vector<char> left_out(scores.size());
  std::vector<double> best(ranks.size(), -INFINITY);
  const auto at = [&](const Match& m) { return static_cast<std::size_t>(m.query * kImages + m.candidate); };
  const auto row = [&](const Match& m) { return static_cast<std::size_t>(of_texts ? m.query : m.candidate); };
  for (const Match& m : relation.excluded) left_out[at(m)] = 1;
  for (const Match& m : relation.positives) left_out[at(m)] = 1, best[row(m)] = std::max(best[row(m)], scores[at(m)]);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    ASSERT_EQ(ranks[i].has_value(), best[i] != -INFINITY) << i;
    if (!ranks[i]) continue;
    std::int64_t above = 0, beside = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto index = static_cast<std::int64_t>(i);
      const std::size_t pair = at(of_texts ? Match{index, c} : Match{c, index});
      if (left_out[pair] != 0) continue;
      above += scores[pair] > best[i], beside += scores[pair] == best[i];
    }
    ASSERT_EQ(ranks[i]->best, above) << i;
    ASSERT_EQ(ranks[i]->worst, above + beside) << i;
  }
}

void expect_exact_ranks(const Vectors& v) {
  std::vector<double> scores;
  for (std::int64_t t = 0; t < kTexts; ++t)
    for (std::int64_t i = 0; i < kImages; ++i) scores.push_back(v.exact(t, i));
  const Relation relation = relation_of();
  const Ranking ranking = rank_positives(v.scores(), relation);
  expect_ranks(ranking.of_queries, kImages, relation, true, scores);
  expect_ranks(ranking.of_candidates, kTexts, relation, false, scores);
  EXPECT_TRUE(std::ranges::any_of(ranking.of_queries, [](const auto& rank) {
    return rank && rank->best < rank->worst;
  })) << "there are ties";
}

/// The share of pairs that the numbers of a screen leave open.
double open_share(const Vectors& v, const Screen& screen) {
  std::int64_t open = 0;
  for_each_block(*screen.scores, [&](const ScoreBlock& block) {
    for (std::int64_t q = block.query; q < block.query + block.scores_QC.rows; ++q) {
      const double positive = v.exact(q, q % kImages);
      for (std::int64_t c = block.candidate; c < block.candidate + block.scores_QC.columns; ++c) {
        const double error = double{screen.query_errors[static_cast<std::size_t>(q)]} +
                             double{screen.candidate_errors[static_cast<std::size_t>(c)]};
        open += std::abs(static_cast<double>(block.at(q, c)) - positive) <= error;
      }
    }
  });
  return static_cast<double>(open) / static_cast<double>(kTexts * kImages);
}

TEST(ByteScores, RanksAreExactWhereRoundedNumbersDecideMostPairs) {
  const Vectors v = made(0.5);
  const auto screens = v.scores().screens();
  EXPECT_EQ(screens.size(), ops::vector_bits() >= 256 ? 2u : 1u);
  for (const Screen& screen : screens) EXPECT_LT(open_share(v, screen), 0.01);
  expect_exact_ranks(v);
}

TEST(ByteScores, RanksAreExactWhereRoundedNumbersDecideLittle) {
  const Vectors v = made(20);
  if (ops::vector_bits() >= 256) {
    EXPECT_GT(open_share(v, v.scores().screens().front()), 0.05);
  }
  expect_exact_ranks(v);
}

/// Of any vectors, numbers are off by no more than is said, and what is said is no more than it must be.
TEST(ByteScores, ErrorsAreBounded) {
  Vectors v = made(1);
  for (std::int64_t t = 0; t < kTexts; ++t) v.text(t)[t % 5] *= 40;            // columns that stand out
  for (std::int64_t i = 0; i < kImages; i += 3) v.image(i)[i % kWidth] = -31;  // and single numbers
  for (std::int64_t i = 1; i < kImages; i += 3) std::fill_n(v.image(i), kWidth, 0x1p-40f);
  std::fill_n(v.text(1), kWidth, 0.0f);
  std::fill_n(v.text(2), kWidth, 1e15f);
  for (const Screen& screen : v.scores().screens()) {
    double largest = 0;
    for_each_block(*screen.scores, [&](const ScoreBlock& block) {
      for (std::int64_t q = block.query; q < block.query + block.scores_QC.rows; ++q) {
        for (std::int64_t c = block.candidate; c < block.candidate + block.scores_QC.columns; c += 7) {
          const double error = double{screen.query_errors[static_cast<std::size_t>(q)]} +
                               double{screen.candidate_errors[static_cast<std::size_t>(c)]};
          const double off = std::abs(static_cast<double>(block.at(q, c)) - v.exact(q, c));
          ASSERT_LE(off, error) << q << " " << c;
          if (error > 0) largest = std::max(largest, off / error);
        }
      }
    });
    EXPECT_GT(largest, 1e-4);
  }
}

/// Rows of the identity, over and over: products with them are the numbers that vectors are rounded to.
tensor::Tensor unit_rows(std::int64_t rows) {
  tensor::Tensor result(tensor::DType::f32, {rows, kWidth});
  std::ranges::fill(result.as<float>(), 0.0f);
  for (std::int64_t i = 0; i < rows; ++i) tensor::matrix_of(result).row<float>(i)[i % kWidth] = 1;
  return result;
}

tensor::Tensor all_of(const Screen& screen) {
  tensor::Tensor result(tensor::DType::f32, {screen.scores->queries(), screen.scores->candidates()});
  for_each_block(*screen.scores, [&](const ScoreBlock& block) {
    for (std::int64_t q = 0; q < block.scores_QC.rows; ++q)
      std::copy_n(block.scores_QC.row<float>(q), block.scores_QC.columns,
                  tensor::matrix_of(result).row<float>(block.query + q) + block.candidate);
  });
  return result;
}

/// What rounding takes, as whole numbers, is the vector with which it is missed most: the bound is reached.
TEST(ByteScores, ErrorsReachTheirBounds) {
  if (ops::vector_bits() < 256) GTEST_SKIP() << "nothing is rounded to 8 bits on this CPU";
  Vectors v = made(1);
  const tensor::Tensor units = unit_rows(kTexts);
  const tensor::ConstMatrix some = tensor::matrix_of(units.view()).row_range(0, kWidth);
  const tensor::Tensor texts = all_of(VectorScores(tensor::matrix_of(v.texts.view()), some).screens().front());
  const tensor::Tensor images =
      all_of(VectorScores(tensor::matrix_of(units.view()), tensor::matrix_of(v.images.view())).screens().front());
  const auto lost = [](float* to, const float* x, const auto& rounded) {
    double most = 0;
    for (std::int64_t d = 0; d < kWidth; ++d) most = std::max(most, std::abs(static_cast<double>(x[d]) - rounded(d)));
    for (std::int64_t d = 0; d < kWidth; ++d)  // whole numbers up to 127, which rounding leaves as they are
      to[d] = static_cast<float>(std::nearbyint((static_cast<double>(x[d]) - rounded(d)) * 127 / most) * 0x1p-8);
  };
  const auto length = [](const float* x) {
    double square = 0;
    for (std::int64_t d = 0; d < kWidth; ++d) square += static_cast<double>(x[d]) * static_cast<double>(x[d]);
    return std::sqrt(square);
  };
  for (std::int64_t i = 0; i < 20; ++i) {  // images that are against texts, then texts that are against images
    lost(v.image(i), v.text(i), [&](std::int64_t d) { return double{tensor::matrix_of(texts).row<float>(i)[d]}; });
    lost(v.text(30 + i), v.image(30 + i),
         [&](std::int64_t d) { return double{tensor::matrix_of(images).row<float>(d)[30 + i]}; });
  }
  const Screen screen = std::move(v.scores().screens().front());
  const tensor::Tensor found = all_of(screen);
  for (std::int64_t i = 0; i < 50; ++i) {
    if (i >= 20 && i < 30) continue;
    const auto at = static_cast<std::size_t>(i);
    const double off = std::abs(static_cast<double>(tensor::matrix_of(found).row<float>(i)[i]) - v.exact(i, i));
    const double query = screen.query_errors[at], candidate = screen.candidate_errors[at];
    EXPECT_LE(off, query + candidate) << i;
    const double share = i < 20 ? length(v.image(i)) / longest(v.images) : length(v.text(i)) / longest(v.texts);
    EXPECT_GT(off, 0.9 * (i < 20 ? query : candidate) * share) << i;
  }
}

TEST(ByteScores, FewProductsAreNotRounded) {
  const tensor::Tensor a(tensor::DType::f32, {100, kWidth}), b(tensor::DType::f32, {100, kWidth});
  std::ranges::fill(a.as<float>(), 0.5f);
  std::ranges::fill(b.as<float>(), 0.5f);
  EXPECT_EQ(VectorScores(tensor::matrix_of(a), tensor::matrix_of(b)).screens().size(), 1u);
}

}  // namespace
}  // namespace e5v::vectors

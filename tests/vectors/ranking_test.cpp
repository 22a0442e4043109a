#include "vectors/ranking.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "base/json.h"
#include "golden.h"
#include "tensor/safetensors.h"

namespace e5v::vectors {
namespace {

Json goldens() { return read_json(test::golden("metrics/metrics.json")); }

class RankingGolden : public testing::Test {
 protected:
  tensor::SafetensorsFile file_{test::golden("metrics/metrics.safetensors")};

  GivenScores scores(const char* name) const {
    const tensor::TensorView* view = file_.find(name);
    require(view != nullptr, "[goldens] no tensor {}", name);
    return GivenScores(tensor::matrix_of(*view));
  }
};

/// Five texts belong to each image.
Relation captions(std::int64_t texts) {
  Relation relation;
  for (std::int64_t i = 0; i < texts; ++i) relation.positives.push_back({i, i / 5});
  return relation;
}

TEST_F(RankingGolden, RecallsOfTextsAndImages) {
  const Ranking ranking = rank_positives(scores("ir_scores"), captions(150));
  const Json expected = goldens().at("ir").at("metrics");
  for (const int k : {1, 5, 10}) {
    const Recall images = recall_at(ranking.of_queries, k), texts = recall_at(ranking.of_candidates, k);
    EXPECT_NEAR(images.pessimistic, expected.at(fmt::format("image_retrieval_recall@{}", k)).get<double>(), 1e-6);
    EXPECT_NEAR(texts.pessimistic, expected.at(fmt::format("text_retrieval_recall@{}", k)).get<double>(), 1e-6);
    EXPECT_EQ(images.optimistic, images.pessimistic);
  }
}

TEST_F(RankingGolden, BoundsOfRecallsWithTies) {
  const Ranking ranking = rank_positives(scores("ir_scores_ties"), captions(150));
  const Json expected = goldens().at("ir_ties").at("optimistic_pessimistic");
  const Json reference = goldens().at("ir_ties").at("metrics_torch1.13_cpu");
  for (const int k : {1, 5, 10}) {
    for (const auto& [name, ranks] : {std::pair{"image", &ranking.of_queries}, {"text", &ranking.of_candidates}}) {
      const std::string key = fmt::format("{}_retrieval_recall@{}", name, k);
      const Recall recall = recall_at(*ranks, k);
      EXPECT_NEAR(recall.optimistic, expected.at(key).at(0).get<double>(), 1e-12) << key;
      EXPECT_NEAR(recall.pessimistic, expected.at(key).at(1).get<double>(), 1e-12) << key;
      EXPECT_GE(recall.optimistic + 1e-6, reference.at(key).get<double>()) << key;
      EXPECT_LE(recall.pessimistic - 1e-6, reference.at(key).get<double>()) << key;
    }
  }
}

TEST_F(RankingGolden, ComposedRetrievalWithAndWithoutTheReferenceImage) {
  const Json golden = goldens().at("cir");
  Relation relation;
  std::vector<Match> references;
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto at = static_cast<std::size_t>(i);
    relation.positives.push_back({i, golden.at("labels").at(at).get<std::int64_t>()});
    references.push_back({i, golden.at("reference").at(at).get<std::int64_t>()});
  }
  const auto expect = [&](const char* key) {
    const Ranking ranking = rank_positives(scores("cir_scores"), relation);
    for (const int k : {1, 5, 10, 50}) {
      EXPECT_NEAR(recall_at(ranking.of_queries, k).pessimistic, golden.at(key).at(fmt::format("R@{}", k)).get<double>(),
                  1e-9)
          << key << " " << k;
    }
  };
  expect("fashioniq_no_mask");
  // The golden puts masked similarities at -1, where others lie too; left out, they can only be further behind.
  relation.excluded = references;
  expect("cirr_reference_masked_to_-1");
}

/// Random vectors with many equal ones among them.
std::vector<float> made_vectors(std::int64_t rows, std::int64_t width, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<std::size_t>(rows * width));
  for (float& value : values) value = static_cast<float>(static_cast<int>(random() % 5) - 2);
  return values;
}

tensor::ConstMatrix matrix(const std::vector<float>& values, std::int64_t width) {
  return {reinterpret_cast<const std::byte*>(values.data()), tensor::DType::f32,
          static_cast<std::int64_t>(values.size()) / width, width, width};
}

/// Sizes around those of a block, and whole numbers, whose dot products are exact.
class RankingBlocks : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {
 protected:
  static constexpr std::int64_t kWidth = 8;
  std::int64_t queries_ = GetParam().first, candidates_ = GetParam().second;
  std::vector<float> q_ = made_vectors(queries_, kWidth, 1), c_ = made_vectors(candidates_, kWidth, 2);
  VectorScores scores_{matrix(q_, kWidth), matrix(c_, kWidth)};

  float naive(std::int64_t q, std::int64_t c) const {
    float sum = 0;
    for (std::int64_t d = 0; d < kWidth; ++d)
      sum += q_[static_cast<std::size_t>(q * kWidth + d)] * c_[static_cast<std::size_t>(c * kWidth + d)];
    return sum;
  }
};

TEST_P(RankingBlocks, RanksAreThoseOfANaiveCount) {
  Relation relation;
  for (std::int64_t q = 0; q < queries_; q += 3) {
    relation.positives.push_back({q, (q * 7) % candidates_});
    relation.positives.push_back({q, (q * 13 + 5) % candidates_});
    relation.excluded.push_back({q, (q * 7 + 1) % candidates_});
  }
  std::erase_if(relation.excluded,
                [&](const Match& match) { return std::ranges::count(relation.positives, match) > 0; });
  const Ranking ranking = rank_positives(scores_, relation);
  for (std::int64_t q = 0; q < queries_; q += 37) {
    std::vector<std::int64_t> positives, out;
    for (const Match& m : relation.positives)
      if (m.query == q) positives.push_back(m.candidate);
    for (const Match& m : relation.excluded)
      if (m.query == q) out.push_back(m.candidate);
    const auto& rank = ranking.of_queries[static_cast<std::size_t>(q)];
    ASSERT_EQ(rank.has_value(), !positives.empty()) << q;
    if (!rank) continue;
    float best = -INFINITY;
    for (const std::int64_t c : positives) best = std::max(best, naive(q, c));
    std::int64_t above = 0, beside = 0;
    for (std::int64_t c = 0; c < candidates_; ++c) {
      if (std::ranges::count(positives, c) + std::ranges::count(out, c) > 0) continue;
      above += naive(q, c) > best, beside += naive(q, c) == best;
    }
    EXPECT_EQ(rank->best, above) << q;
    EXPECT_EQ(rank->worst, above + beside) << q;
  }
  for (std::int64_t c = 0; c < candidates_; c += 41) {  // the other direction
    float best = -INFINITY;
    for (const Match& m : relation.positives)
      if (m.candidate == c) best = std::max(best, naive(m.query, c));
    const auto& rank = ranking.of_candidates[static_cast<std::size_t>(c)];
    ASSERT_EQ(rank.has_value(), best != -INFINITY) << c;
    if (!rank) continue;
    std::int64_t above = 0;
    for (std::int64_t q = 0; q < queries_; ++q) {
      const Match match{q, c};
      if (std::ranges::count(relation.positives, match) + std::ranges::count(relation.excluded, match) > 0) continue;
      above += naive(q, c) > best;
    }
    EXPECT_EQ(rank->best, above) << c;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, RankingBlocks,
                         testing::Values(std::pair{3, 2}, std::pair{512, 4096}, std::pair{513, 4097},
                                         std::pair{1100, 50}));

TEST(Ranking, RefusesMatchesOutOfRange) {
  const std::vector<float> two = made_vectors(2, 4, 1), three = made_vectors(3, 4, 2);
  const VectorScores scores(matrix(two, 4), matrix(three, 4));
  EXPECT_THROW(rank_positives(scores, {{{2, 0}}, {}}), InvalidInput);
  EXPECT_THROW(rank_positives(scores, {{{0, 3}}, {}}), InvalidInput);
}

TEST(Ranking, RecallWithoutAnyRankIsNoNumber) { EXPECT_TRUE(std::isnan(recall_at({}, 1).pessimistic)); }

TEST(Ranking, VectorsThatAreAllAlikeEarnNothing) {
  const std::vector<float> same(40, 1.0f);
  Relation relation;
  for (std::int64_t i = 0; i < 10; ++i) relation.positives.push_back({i, i});
  const VectorScores scores(matrix(same, 4), matrix(same, 4));
  const Recall recall = recall_at(rank_positives(scores, relation).of_queries, 1);
  EXPECT_EQ(recall.pessimistic, 0);
  EXPECT_EQ(recall.optimistic, 1);
}

/// COCO's test set. The bound is generous: it tells blocks from one product after another, not a fast machine.
TEST(Ranking, OfManyCandidatesTakesSeconds) {
  constexpr std::int64_t kCocoTexts = 25000, kCocoImages = 5000, kCocoWidth = 64;
  const auto random = [](std::int64_t rows) {
    tensor::Tensor tensor(tensor::DType::f32, {rows, kCocoWidth});
    std::minstd_rand generator(static_cast<unsigned>(rows));
    for (float& value : tensor.as<float>()) value = static_cast<float>(generator()) / 2147483648.0f - 0.5f;
    return tensor;
  };
  const tensor::Tensor texts = random(kCocoTexts), images = random(kCocoImages);
  Relation relation;
  for (std::int64_t i = 0; i < kCocoTexts; ++i) relation.positives.push_back({i, i / 5});
  const auto start = std::chrono::steady_clock::now();
  const Ranking ranking =
      rank_positives(VectorScores(tensor::matrix_of(texts.view()), tensor::matrix_of(images.view())), relation);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  EXPECT_LT(taken.count(), 30) << "half a second on two cores";
  // Chance: the right one of 5000 is among the first ten.
  EXPECT_NEAR(recall_at(ranking.of_queries, 10).pessimistic, 10.0 / kCocoImages, 1e-3);
  EXPECT_TRUE(std::ranges::all_of(ranking.of_candidates, &std::optional<Rank>::has_value));
}

}  // namespace
}  // namespace e5v::vectors

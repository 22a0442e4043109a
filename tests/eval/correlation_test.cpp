#include "eval/correlation.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "golden.h"
#include "tensor/matrix.h"
#include "tensor/safetensors.h"

namespace e5v::eval {
namespace {

using testing::ElementsAre;

Json goldens() { return read_json(test::golden("metrics/metrics.json")); }

std::vector<double> doubles(const tensor::SafetensorsFile& file, const std::string& name) {
  const tensor::TensorView* view = file.find(name);
  require(view != nullptr, "[goldens] no tensor {}", name);
  if (view->dtype == tensor::DType::f32) {
    const auto values = view->as<float>();
    return {values.begin(), values.end()};
  }
  const auto values = view->as<double>();
  return {values.begin(), values.end()};
}

TEST(Correlation, EqualNumbersShareTheMeanOfTheirRanks) {
  EXPECT_THAT(average_ranks(std::vector{3.0, 1.0, 3.0, 2.0, 3.0}), ElementsAre(4, 1, 4, 2, 4));
  EXPECT_TRUE(average_ranks({}).empty());
}

TEST(Correlation, AgreesWithTheReferenceOnAListWithTies) {
  const Json expected = goldens().at("corr_small");
  const auto x = expected.at("x").get<std::vector<double>>(), y = expected.at("y").get<std::vector<double>>();
  EXPECT_NEAR(pearson(x, y), expected.at("pearson").get<double>(), 1e-12);
  EXPECT_NEAR(spearman(x, y), expected.at("spearman").get<double>(), 1e-12);
}

TEST(Correlation, IsNoNumberWhereOneListIsConstant) {
  const std::vector<double> constant(5, 0.1), varied{1, 2, 3, 4, 5};
  ASSERT_EQ(goldens().at("corr_small").at("constant_x_gives"), "nan");
  EXPECT_TRUE(std::isnan(pearson(constant, varied)));
  EXPECT_TRUE(std::isnan(spearman(varied, constant)));
  EXPECT_TRUE(std::isnan(pearson({}, {})));
}

TEST(Correlation, NumbersMayBeOfAnySize) {
  const std::vector<double> plain{1, 2, 4, 3}, other{2, 1, 3, 5};
  for (const double scale : {1e-300, 1e-160, 1e160, 1e307}) {
    std::vector<double> scaled;
    for (const double value : plain) scaled.push_back(value * scale);
    EXPECT_NEAR(pearson(scaled, other), pearson(plain, other), 1e-12) << scale;
  }
}

TEST(Correlation, EqualNumbersAreRefusedByName) {
  require_different(std::vector{1.0, 2.0}, "x", "scores");
  try {
    require_different(std::vector{2.5, 2.5, 2.5}, "x.csv", "scores");
    FAIL() << "accepted";
  } catch (const InvalidInput& error) {
    EXPECT_STREQ(error.what(), "[x.csv] the scores of all 3 pairs are 2.5, so that no correlation is defined");
  }
}

TEST(Correlation, RefusesListsOfDifferentLengths) {
  const std::vector<double> three{1, 2, 3}, two{1, 2};
  EXPECT_THROW(pearson(three, two), InvalidInput);
  EXPECT_THROW(spearman(three, two), InvalidInput);
}

TEST(Correlation, CosineOfAZeroVectorIsZero) {
  EXPECT_EQ(cosine(std::vector{0.0f, 0.0f}, std::vector{1.0f, 2.0f}), 0);
  EXPECT_NEAR(cosine(std::vector{1.0f, 2.0f}, std::vector{2.0f, 4.0f}), 1, 1e-15);
  for (int i = 1; i < 1000; ++i) {
    const std::vector<float> vector{1.0f / static_cast<float>(i), 0.1f, 1e-3f * static_cast<float>(i)};
    EXPECT_EQ(cosine(vector, vector), 1) << "of a vector with itself";
  }
}

class SentEvalGolden : public testing::TestWithParam<const char*> {
 protected:
  /// The sets with the similarities that SentEval computed.
  std::vector<ScoredSet> sets(const tensor::SafetensorsFile& file, const Json& expected) const {
    const std::vector<double> system = doubles(file, std::string("sts_sys_") + GetParam());
    std::vector<ScoredSet> result;
    auto next = system.begin();
    for (const std::string name : {"setA", "setB", "setC"}) {
      ScoredSet set{name, doubles(file, "sts_" + name + "_gs"), {}};
      const auto count = expected.at(name).at("nsamples").get<std::ptrdiff_t>();
      set.system.assign(next, next + count);
      next += count;
      result.push_back(std::move(set));
    }
    return result;
  }
};

TEST_P(SentEvalGolden, SumsUpAsTheReference) {
  const tensor::SafetensorsFile file(test::golden("metrics/metrics.safetensors"));
  const Json expected = goldens().at(std::string("sts_") + GetParam());
  const std::vector<ScoredSet> all = sets(file, expected);
  for (const ScoredSet& set : all) {
    EXPECT_NEAR(pearson(set.gold, set.system), expected.at(set.name).at("pearson").get<double>(), 1e-9) << set.name;
    EXPECT_NEAR(spearman(set.gold, set.system), expected.at(set.name).at("spearman").get<double>(), 1e-9) << set.name;
  }
  for (const auto& [name, correlation] :
       {std::pair<const char*, Correlation>{"pearson", pearson}, {"spearman", spearman}}) {
    const Summary summary = summarise(all, correlation);
    const Json& wanted = expected.at("all").at(name);
    EXPECT_NEAR(summary.all, wanted.at("all").get<double>(), 1e-9);
    EXPECT_NEAR(summary.mean, wanted.at("mean").get<double>(), 1e-9);
    EXPECT_NEAR(summary.weighted_mean, wanted.at("wmean").get<double>(), 1e-9);
  }
}

TEST_P(SentEvalGolden, OurCosinesLeadToTheSameFigures) {
  const tensor::SafetensorsFile file(test::golden("metrics/metrics.safetensors"));
  const Json expected = goldens().at(std::string("sts_") + GetParam());
  const bool half = std::string(GetParam()) == "float16";
  for (const ScoredSet& set : sets(file, expected)) {
    const auto matrix = [&](const char* part) {
      const tensor::TensorView* view = file.find("sts_" + set.name + part);
      require(view != nullptr, "[goldens] {} has no vectors", set.name);
      return tensor::matrix_of(*view);
    };
    const tensor::ConstMatrix first = matrix("_e1"), second = matrix("_e2");
    std::vector<double> system;
    for (std::int64_t i = 0; i < first.rows; ++i) {
      const auto row = [&](const tensor::ConstMatrix& m) {
        return std::span(m.row<float>(i), static_cast<std::size_t>(m.columns));
      };
      system.push_back(cosine(row(first), row(second)));
      EXPECT_NEAR(system.back(), set.system[static_cast<std::size_t>(i)], half ? 2e-3 : 1e-6);
    }
    const double tolerance = half ? 2e-3 : 1e-6;
    EXPECT_NEAR(pearson(set.gold, system), expected.at(set.name).at("pearson").get<double>(), tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, SentEvalGolden, testing::Values("float32", "float16"),
                         [](const auto& test) { return std::string(test.param); });

TEST(GoldScore, IsAFiniteNumber) {
  EXPECT_EQ(gold_score("4.25", "pairs.tsv:2"), 4.25);
  EXPECT_EQ(gold_score("-1e-3", "pairs.tsv:2"), -0.001);
  for (const char* text : {"", "4.25 ", "4,25", "nan", "inf", "good"}) {
    EXPECT_THAT([&] { gold_score(text, "pairs.tsv:2"); },
                testing::ThrowsMessage<InvalidInput>(testing::HasSubstr("is no score")))
        << text;
  }
}

}  // namespace
}  // namespace e5v::eval

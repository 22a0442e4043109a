#include "train/contrastive.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "base/error.h"

namespace e5v::train {
namespace {

using tensor::DType;
using tensor::Matrix;
using tensor::Tensor;

constexpr std::int64_t kAnchors = 5, kWidth = 7;

Tensor random_rows(std::int64_t rows, unsigned seed) {
  Tensor tensor(DType::f32, {rows, kWidth});
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& value : tensor.as<float>()) value = normal(random);
  return tensor;
}

double cosine(const float* a, const float* b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::int64_t i = 0; i < kWidth; ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    ab += x * y, aa += x * x, bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

/// A batch, and its loss in double by the definition.
struct Batch {
  explicit Batch(bool with_negatives = true)
      : anchors(random_rows(kAnchors, 1)),
        positives(random_rows(kAnchors, 2)),
        negatives(random_rows(with_negatives ? kAnchors : 0, 3)) {}

  PairEmbeddings embeddings() const {
    return {matrix_of(anchors), matrix_of(positives),
            negatives.elements() > 0 ? Matrix(matrix_of(negatives)) : matrix_of(positives).row_range(0, 0), groups};
  }

  double one_way(const Tensor& from, const Tensor& to, const Tensor* others, double temperature) const {
    const auto row = [](const Tensor& tensor, std::int64_t i) { return tensor.as<float>().data() + i * kWidth; };
    double sum = 0;
    for (std::int64_t i = 0; i < kAnchors; ++i) {
      double all = 0;
      for (std::int64_t j = 0; j < kAnchors; ++j) {
        const bool left_out =
            !groups.empty() && i != j && groups[static_cast<std::size_t>(i)] == groups[static_cast<std::size_t>(j)];
        if (!left_out) all += std::exp(cosine(row(from, i), row(to, j)) / temperature);
        if (others != nullptr) all += std::exp(cosine(row(from, i), row(*others, j)) / temperature);
      }
      sum += std::log(all) - cosine(row(from, i), row(to, i)) / temperature;
    }
    return sum / static_cast<double>(kAnchors);
  }

  /// Everything looks for the others of its group.
  double in_groups(double temperature) const {
    std::vector<const float*> rows;
    std::vector<std::int32_t> names;
    for (const Tensor* kind : {&anchors, &positives, &negatives}) {
      for (std::int64_t i = 0; i * kWidth < kind->elements(); ++i) {
        rows.push_back(kind->as<float>().data() + i * kWidth);
        const auto number = static_cast<std::int32_t>(i);
        const std::int32_t group = groups.empty() ? number : groups[static_cast<std::size_t>(i)];
        names.push_back(kind == &negatives ? -1 - number : group);
      }
    }
    double sum = 0;
    for (std::size_t i = 0; i < 2 * kAnchors; ++i) {
      double all = 0, own = 0, count = 0;
      for (std::size_t j = 0; j < rows.size(); ++j) {
        if (i == j) continue;
        const double logit = cosine(rows[i], rows[j]) / temperature;
        all += std::exp(logit);
        if (names[i] == names[j]) own += logit, ++count;
      }
      sum += std::log(all) - own / count;
    }
    return sum / (2 * kAnchors);
  }

  double expected(const ContrastiveOptions& options) const {
    const auto temperature = static_cast<double>(options.temperature);
    if (options.grouped) return in_groups(temperature);
    const double there = one_way(anchors, positives, negatives.elements() > 0 ? &negatives : nullptr, temperature);
    return options.symmetric ? (there + one_way(positives, anchors, nullptr, temperature)) / 2 : there;
  }

  Tensor anchors, positives, negatives;
  std::vector<std::int32_t> groups;
};

enum class Way { one, both, grouped };

class Contrastive : public testing::TestWithParam<std::tuple<bool, Way, bool>> {
 protected:
  Contrastive() : batch(std::get<0>(GetParam())) {
    options.symmetric = std::get<1>(GetParam()) == Way::both;
    options.grouped = std::get<1>(GetParam()) == Way::grouped;
    options.temperature = 0.3f;
    if (std::get<2>(GetParam())) batch.groups = {0, 1, 0, 3, 0};
  }

  Batch batch;
  ContrastiveOptions options;
  tensor::Arena arena;
};

TEST_P(Contrastive, IsItsDefinition) {
  EXPECT_NEAR(contrastive_loss(batch.embeddings(), options, arena).loss, batch.expected(options), 1e-5);
}

TEST_P(Contrastive, GradientsAreSlopes) {
  Tensor danchors(DType::f32, batch.anchors.shape()), dpositives(DType::f32, batch.anchors.shape()),
      dnegatives(DType::f32, batch.negatives.shape());
  const bool negatives = batch.negatives.elements() > 0;
  const PairGradients gradients{matrix_of(danchors), matrix_of(dpositives),
                                negatives ? matrix_of(dnegatives) : matrix_of(dpositives).row_range(0, 0)};
  EXPECT_NEAR(contrastive_loss(batch.embeddings(), options, gradients, arena).loss, batch.expected(options), 1e-5);
  const auto expect_slopes = [&](Tensor& values, const Tensor& found) {
    for (std::size_t i = 0; i < values.as<float>().size(); ++i) {
      float& value = values.as<float>()[i];
      const float kept = value, step = 1e-2f;
      value = kept + step;
      const double above = batch.expected(options);
      value = kept - step;
      const double below = batch.expected(options);
      value = kept;
      EXPECT_NEAR(found.as<float>()[i], (above - below) / (2 * static_cast<double>(step)), 1e-3);
    }
  };
  expect_slopes(batch.anchors, danchors);
  expect_slopes(batch.positives, dpositives);
  if (negatives) expect_slopes(batch.negatives, dnegatives);
}

const char* name_of(Way way) {
  switch (way) {
    case Way::one: return "OneWay";
    case Way::both: return "BothWays";
    case Way::grouped: break;
  }
  return "AllWays";
}

INSTANTIATE_TEST_SUITE_P(Kinds, Contrastive,
                         testing::Combine(testing::Bool(), testing::Values(Way::one, Way::both, Way::grouped),
                                          testing::Bool()),
                         [](const auto& kind) {
                           return std::string(std::get<0>(kind.param) ? "Negatives" : "Pairs") +
                                  name_of(std::get<1>(kind.param)) + (std::get<2>(kind.param) ? "InGroups" : "Alone");
                         });

TEST(ContrastiveGroups, NearestOfTheGroupCounts) {
  // Two directions: pairs 0 and 1 are of one group and lie along x, 2 along y, but its positive along x.
  Tensor anchors(DType::f32, {3, 2}), positives(DType::f32, {3, 2});
  std::ranges::copy(std::vector<float>{1, 0, 2, 0, 0, 1}, anchors.as<float>().begin());
  std::ranges::copy(std::vector<float>{1, 0.1f, 1, 0.2f, 1, -1}, positives.as<float>().begin());
  const std::vector<std::int32_t> groups{4, 4, 0};
  const PairEmbeddings batch{matrix_of(anchors), matrix_of(positives), matrix_of(positives).row_range(0, 0), groups};
  tensor::Arena arena;
  EXPECT_DOUBLE_EQ(contrastive_loss(batch, {.grouped = true}, arena).accuracy, 4.0 / 6);
}

TEST(ContrastiveGroups, AreOneForEachAnchor) {
  Batch batch;
  batch.groups = {0, 1};
  tensor::Arena arena;
  EXPECT_THAT([&] { contrastive_loss(batch.embeddings(), {}, arena); },
              testing::ThrowsMessage<InvalidInput>("[contrastive] 2 groups for 5 anchors"));
}

}  // namespace
}  // namespace e5v::train

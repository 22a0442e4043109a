#include "train/cross_entropy.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "base/error.h"
#include "tensor/tensor.h"

namespace e5v::train {
namespace {

constexpr std::int64_t kRows = 3, kColumns = 5;
constexpr double kWeight = 0.25;

std::vector<float> some_scores() {
  std::vector<float> scores;
  for (int i = 0; i < kRows * kColumns; ++i) scores.push_back(std::sin(static_cast<float>(3 * i + 1)) * 4);
  return scores;
}

tensor::Tensor tensor_of(const std::vector<float>& scores) {
  return tensor::Tensor::from(std::span(scores), {kRows, kColumns});
}

/// The gradient is the slope of weight * sum, found by finite differences.
template <class Loss>
void expect_gradient(const Loss& loss) {
  std::vector<float> scores = some_scores();
  const tensor::Tensor gradient = tensor_of(scores);
  loss(tensor::matrix_of(gradient));
  constexpr float kStep = 1e-2f;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto sum_with = [&](float change) {
      std::vector<float> changed = scores;
      changed[i] += change;
      const tensor::Tensor tensor = tensor_of(changed);
      return loss(tensor::matrix_of(tensor)).sum;
    };
    const double slope = kWeight * (sum_with(kStep) - sum_with(-kStep)) / (2 * static_cast<double>(kStep));
    EXPECT_NEAR(static_cast<double>(gradient.as<float>()[i]), slope, 1e-4) << i;
  }
}

TEST(CrossEntropy, IsItsDefinition) {
  const tensor::Tensor scores =
      tensor::Tensor::from(std::span<const float>(std::vector<float>{0, std::log(3.0f)}), {1, 2});
  const std::int32_t label = 0;
  const CrossEntropy result = through_cross_entropy(tensor::matrix_of(scores), {&label, 1}, 1);
  EXPECT_NEAR(result.sum, std::log(4.0), 1e-6);
  EXPECT_EQ(result.hits, 0);
  EXPECT_NEAR(scores.as<float>()[0], -0.75f, 1e-6);
  EXPECT_NEAR(scores.as<float>()[1], 0.75f, 1e-6);
}

TEST(CrossEntropy, HasTheGradientOfItsSum) {
  const std::int32_t labels[]{4, 0, 2};
  expect_gradient([&](tensor::Matrix scores) { return through_cross_entropy(scores, labels, kWeight); });
}

TEST(CrossEntropy, LargeScoresDoNotOverflow) {
  const tensor::Tensor scores = tensor::Tensor::from(std::span<const float>(std::vector<float>{1e30f, -1e30f}), {1, 2});
  const std::int32_t label = 0;
  EXPECT_EQ(through_cross_entropy(tensor::matrix_of(scores), {&label, 1}, 1).sum, 0);
  EXPECT_TRUE(std::isfinite(scores.as<float>()[1]));
}

TEST(CrossEntropy, LabelsMustBeColumns) {
  const tensor::Tensor scores = tensor_of(some_scores());
  const std::int32_t labels[]{0, 5, 0};
  EXPECT_THAT([&] { through_cross_entropy(tensor::matrix_of(scores), labels, 1); },
              testing::ThrowsMessage<InvalidInput>("[cross_entropy] label 5 of 5 columns"));
  EXPECT_THAT([&] { through_cross_entropy(tensor::matrix_of(scores), std::span(labels).first(2), 1); },
              testing::ThrowsMessage<InvalidInput>("[cross_entropy] 2 labels for 3 rows"));
}

TEST(GroupCrossEntropy, HasTheGradientOfItsSum) {
  const std::int32_t groups[]{1, 2, 1, 2, 1};
  expect_gradient([&](tensor::Matrix scores) { return through_group_cross_entropy(scores, groups, kWeight); });
}

/// With one label a row it is the plain cross-entropy over the columns but the row's own.
TEST(GroupCrossEntropy, OfOneLabelIsTheCrossEntropy) {
  const std::int32_t groups[]{1, 1};
  const std::vector<float> values{5, 0.5f, 0.25f, 5};
  const tensor::Tensor scores = tensor::Tensor::from(std::span(values), {2, 2});
  const CrossEntropy result = through_group_cross_entropy(tensor::matrix_of(scores), groups, 1);
  EXPECT_NEAR(result.sum, 0, 1e-12);  // there is one candidate, which is right
  EXPECT_EQ(result.hits, 2);
  EXPECT_EQ(scores.as<float>()[0], 0) << "nothing is its own candidate";
}

}  // namespace
}  // namespace e5v::train

#include "eval/logistic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.h"

namespace e5v::eval {
namespace {

struct Data {
  std::vector<float> values;
  std::vector<int> labels;
  std::int64_t width;
  tensor::ConstMatrix matrix() const {
    return {reinterpret_cast<const std::byte*>(values.data()), tensor::DType::f32,
            static_cast<std::int64_t>(labels.size()), width, width};
  }
};

/// Clouds around the corners of a cube; `noise` of them overlap.
Data clouds(int classes, float noise, int rows = 300) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, noise);
  Data data{{}, {}, 6};
  for (int i = 0; i < rows; ++i) {
    data.labels.push_back(i % classes);
    for (int d = 0; d < 6; ++d) data.values.push_back((d == i % classes ? 1.0f : 0.0f) + normal(random));
  }
  return data;
}

TEST(LogisticRegression, SeparatesWhatCanBeSeparated) {
  for (const int classes : {2, 3, 6}) {
    const Data data = clouds(classes, 0.05f);
    EXPECT_EQ(LogisticRegression::fit(data.matrix(), data.labels, classes, 10).accuracy(data.matrix(), data.labels), 1);
  }
}

TEST(LogisticRegression, IsAtChanceWhereLabelsMeanNothing) {
  Data data = clouds(2, 0.5f, 2000), test = clouds(2, 0.5f, 2000);
  std::mt19937 random(5);
  for (auto* d : {&data, &test})
    for (int& label : d->labels) label = static_cast<int>(random() % 2);
  const auto fitted = LogisticRegression::fit(data.matrix(), data.labels, 2, 1);
  EXPECT_NEAR(fitted.accuracy(test.matrix(), test.labels), 0.5, 0.04);
}

TEST(LogisticRegression, ABiasCarriesWhatTheWeightsMayNot) {
  // One class three times as frequent and no feature that tells: the frequent one is predicted.
  Data data{std::vector<float>(80, 0.0f), {}, 1};
  for (int i = 0; i < 80; ++i) data.labels.push_back(i % 4 == 0 ? 0 : 1);
  EXPECT_EQ(LogisticRegression::fit(data.matrix(), data.labels, 2, 1).accuracy(data.matrix(), data.labels), 0.75);
}

TEST(LogisticRegression, WhereTheSearchBeginsDoesNotMatter) {
  const Data data = clouds(2, 0.6f);
  const auto other = LogisticRegression::fit(data.matrix(), data.labels, 2, 100);
  const auto cold = LogisticRegression::fit(data.matrix(), data.labels, 2, 0.01),
             warm = LogisticRegression::fit(data.matrix(), data.labels, 2, 0.01, &other);
  EXPECT_EQ(warm.predict(data.matrix()), cold.predict(data.matrix()));
  EXPECT_NE(warm.predict(data.matrix()), other.predict(data.matrix()));
  const Data three = clouds(3, 0.1f);
  EXPECT_THROW(LogisticRegression::fit(three.matrix(), three.labels, 3, 1, &other), InvalidInput);
}

TEST(LogisticRegression, RefusesWhatDoesNotFit) {
  const Data data = clouds(2, 0.1f);
  EXPECT_THROW(LogisticRegression::fit(data.matrix(), std::vector<int>{0, 1}, 2, 1), InvalidInput);
  EXPECT_THROW(LogisticRegression::fit(data.matrix(), data.labels, 1, 1), InvalidInput);
  std::vector<int> labels = data.labels;
  labels[7] = 2;
  EXPECT_THROW(LogisticRegression::fit(data.matrix(), labels, 2, 1), InvalidInput);
  EXPECT_THROW(LogisticRegression::fit(data.matrix(), data.labels, 2, 0), InvalidInput);
}

}  // namespace
}  // namespace e5v::eval

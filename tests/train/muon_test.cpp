#include "train/muon.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/philox.h"
#include "ops/accelerator.h"
#include "ops/rows.h"
#include "tensor/tensor.h"

namespace e5v::train {
namespace {

using tensor::DType;
using tensor::Place;
using tensor::Tensor;

/// A matrix in double.
struct Twin {
  std::int64_t rows, columns;
  std::vector<double> values;

  double& at(std::int64_t r, std::int64_t c) { return values[static_cast<std::size_t>(r * columns + c)]; }
  double at(std::int64_t r, std::int64_t c) const { return values[static_cast<std::size_t>(r * columns + c)]; }

  static Twin random(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
    Twin twin{rows, columns, {}};
    const Philox stream(seed, 0);
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      twin.values.push_back(2 * Philox::uniform(stream.at(static_cast<std::uint64_t>(i))) - 1);
    }
    return twin;
  }

  Tensor tensor(Place place) const {
    const std::vector<float> floats(values.begin(), values.end());
    return copied(Tensor::from(std::span(floats), {rows, columns}).view(), place);
  }

  Twin transposed() const {
    Twin result{columns, rows, std::vector<double>(values.size())};
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) result.at(c, r) = at(r, c);
    }
    return result;
  }
};

Twin product(const Twin& a, const Twin& b) {
  Twin result{a.rows, b.columns, std::vector<double>(static_cast<std::size_t>(a.rows * b.columns))};
  for (std::int64_t r = 0; r < a.rows; ++r) {
    for (std::int64_t k = 0; k < a.columns; ++k) {
      for (std::int64_t c = 0; c < b.columns; ++c) result.at(r, c) += a.at(r, k) * b.at(k, c);
    }
  }
  return result;
}

/// a x + b y, element by element.
Twin mixed(double a, const Twin& x, double b, const Twin& y) {
  Twin result = x;
  for (std::size_t i = 0; i < x.values.size(); ++i) result.values[i] = a * x.values[i] + b * y.values[i];
  return result;
}

/// The iteration as its authors write it.
Twin orthogonalised(const Twin& matrix) {
  double square = 0;
  for (const double value : matrix.values) square += value * value;
  Twin x = mixed(1 / std::sqrt(square), matrix, 0, matrix);
  for (int i = 0; i < 5; ++i) {
    const Twin a = product(x, x.transposed());
    x = mixed(3.4445, x, 1, product(mixed(-4.7750, a, 2.0315, product(a, a)), x));
  }
  return x;
}

void expect_near(const Tensor& found, const Twin& expected, double tolerance) {
  const Tensor host = copied(found.view(), Place::host);
  const std::span<const float> values = host.as<float>();
  ASSERT_EQ(values.size(), expected.values.size());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(values[i], expected.values[i], tolerance) << i;
}

class Muon : public testing::TestWithParam<Place> {
 protected:
  void SetUp() override {
    if (GetParam() == Place::host) return;
    try {
      ops::open_device("cuda");
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

TEST_P(Muon, IteratesLikeItsTwin) {
  tensor::Arena arena(GetParam());
  for (const auto& [rows, columns] : {std::pair{24, 40}, {40, 24}, {16, 16}, {1, 9}}) {
    const Twin twin = Twin::random(rows, columns, 3);
    const Tensor x = twin.tensor(GetParam());
    orthogonalise(matrix_of(x), arena);
    expect_near(x, orthogonalised(twin), 2e-4);
  }
}

/// All directions of a matrix whose singular values lie apart come out about as long.
TEST_P(Muon, EvensOutLengths) {
  Twin steep = Twin::random(12, 30, 4);
  for (std::int64_t r = 0; r < 12; ++r) {
    for (std::int64_t c = 0; c < 30; ++c) steep.at(r, c) *= std::pow(0.75, static_cast<double>(r));
  }
  const Tensor x = steep.tensor(GetParam());
  tensor::Arena arena(GetParam());
  orthogonalise(matrix_of(x), arena);
  const Tensor host = copied(x.view(), Place::host);
  for (std::int64_t r = 0; r < 12; ++r) {
    double square = 0;
    for (std::int64_t c = 0; c < 30; ++c) square += std::pow(matrix_of(host).row<float>(r)[c], 2);
    EXPECT_GT(square, 0.3) << r;
    EXPECT_LT(square, 1.6) << r;
  }
}

TEST_P(Muon, StepsLikeItsTwin) {
  constexpr double kRate = 0.01, kDecay = 0.1;
  Twin values = Twin::random(20, 12, 5), momentum{20, 12, std::vector<double>(240)};
  const Tensor value = values.tensor(GetParam()), kept = momentum.tensor(GetParam());
  tensor::Arena arena(GetParam());
  for (std::uint64_t step = 0; step < 3; ++step) {
    const Twin gradients = Twin::random(20, 12, 10 + step);
    const Tensor gradient = gradients.tensor(GetParam());
    muon_step(std::array{MuonMatrix{matrix_of(value), matrix_of(gradient), matrix_of(kept)}}, kRate, kDecay, arena);
    momentum = mixed(0.95, momentum, 1, gradients);
    const Twin direction = orthogonalised(mixed(1, gradients, 0.95, momentum));
    values = mixed(1 - kRate * kDecay, values, -kRate * 0.2 * std::sqrt(20.0), direction);
  }
  expect_near(kept, momentum, 1e-5);
  expect_near(value, values, 1e-5);
}

TEST_P(Muon, LeavesWhatHasNoGradient) {
  const Twin values = Twin::random(4, 6, 6), nothing{4, 6, std::vector<double>(24)};
  const Tensor value = values.tensor(GetParam()), gradient = nothing.tensor(GetParam()),
               momentum = nothing.tensor(GetParam());
  tensor::Arena arena(GetParam());
  muon_step(std::array{MuonMatrix{matrix_of(value), matrix_of(gradient), matrix_of(momentum)}}, 0.1, 0, arena);
  expect_near(value, values, 0);
}

INSTANTIATE_TEST_SUITE_P(, Muon, testing::Values(Place::host, Place::device), [](const auto& test) {
  return test.param == Place::host ? std::string("Cpu") : std::string("Cuda");
});

}  // namespace
}  // namespace e5v::train

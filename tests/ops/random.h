#pragma once
#include <algorithm>
#include <random>

#include "ops/reference/ops.h"
#include "tensor/stored_matrix.h"
#include "tensor/tensor.h"

namespace e5v::ops::test {

/// A random f32 matrix of normal values, with the same values as doubles.
struct RandomMatrix {
  tensor::Tensor tensor;
  reference::Matrix exact;

  RandomMatrix(std::int64_t rows, std::int64_t columns, unsigned seed, float deviation = 1)
      : tensor(tensor::DType::f32, {rows, columns}), exact(rows, columns) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, deviation);
    const auto values = tensor.as<float>();
    for (std::size_t i = 0; i < values.size(); ++i) exact.values[i] = values[i] = normal(random);
  }
  tensor::Matrix matrix() const { return matrix_of(tensor); }
  std::span<const float> floats() const { return tensor.as<float>(); }
};

/// Random NF4 weights, and what they stand for by the definition of the format, one number after the other.
struct Nf4Weight {
  tensor::Tensor codes, scales, nested_scales, code_map, scale_map;
  tensor::StoredMatrix matrix;
  reference::Matrix exact;

  Nf4Weight(std::int64_t rows, std::int64_t columns, unsigned seed)
      : codes(tensor::DType::u8, {rows * columns / 2, 1}),
        scales(tensor::DType::u8, {(rows * columns + 63) / 64}),
        nested_scales(tensor::DType::f32, {(scales.elements() + 255) / 256}),
        code_map(tensor::DType::f32, {16}),
        scale_map(tensor::DType::f32, {256}),
        exact(rows, columns) {
    std::mt19937 random(seed);
    for (const tensor::Tensor* bytes : {&codes, &scales}) {
      for (std::uint8_t& byte : bytes->as<std::uint8_t>()) byte = static_cast<std::uint8_t>(random());
    }
    std::normal_distribution<float> normal;
    for (const tensor::Tensor* floats : {&nested_scales, &code_map, &scale_map}) {
      for (float& value : floats->as<float>()) value = normal(random);
    }
    const float offset = normal(random);
    matrix = tensor::StoredMatrix::nf4(
        codes.view(), scales.view(), {code_map.view(), scale_map.view(), nested_scales.view(), offset}, rows, columns);
    for (std::size_t i = 0; i < exact.values.size(); ++i) {
      const std::uint8_t byte = codes.as<std::uint8_t>()[i / 2], scale = scales.as<std::uint8_t>()[i / 64];
      const float product = scale_map.as<float>()[scale] * nested_scales.as<float>()[i / 64 / 256];
      exact.values[i] = code_map.as<float>()[i % 2 == 0 ? byte >> 4 : byte & 15] * (product + offset);
    }
  }
};

/// Largest absolute difference between a f32 or bf16 matrix and doubles.
inline double max_difference(tensor::ConstMatrix found, const reference::Matrix& expected) {
  double largest = 0;
  for (std::int64_t r = 0; r < expected.rows; ++r) {
    for (std::int64_t c = 0; c < expected.columns; ++c) {
      const double value = found.dtype == tensor::DType::f32
                               ? found.row<float>(r)[c]
                               : static_cast<double>(static_cast<float>(found.row<tensor::BFloat16>(r)[c]));
      const double difference = std::abs(value - expected.at(r, c));
      if (!(difference <= largest)) largest = difference;  // NaN counts as a difference
    }
  }
  return largest;
}

/// Gradient of the sum of dy * f(x) by x, by central differences; f maps a matrix of doubles to one of dy's shape.
template <class F>
reference::Matrix numeric_gradient(reference::Matrix x, const reference::Matrix& dy, const F& f) {
  constexpr double kStep = 1e-5;
  const auto loss = [&] {
    const reference::Matrix y = f(x);
    double sum = 0;
    for (std::size_t i = 0; i < y.values.size(); ++i) sum += y.values[i] * dy.values[i];
    return sum;
  };
  reference::Matrix gradient(x.rows, x.columns);
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const double value = x.values[i];
    x.values[i] = value + kStep;
    const double above = loss();
    x.values[i] = value - kStep;
    gradient.values[i] = (above - loss()) / (2 * kStep);
    x.values[i] = value;
  }
  return gradient;
}

/// A gradient to add to, which starts as ones: backward passes add to what is there.
struct GradientSum {
  tensor::Tensor tensor;

  GradientSum(std::int64_t rows, std::int64_t columns) : tensor(tensor::DType::f32, {rows, columns}) {
    std::ranges::fill(tensor.as<float>(), 1.0f);
  }
  tensor::Matrix matrix() const { return matrix_of(tensor); }
  /// Largest difference between what was added and what should have been.
  double difference(reference::Matrix expected) const {
    for (double& value : expected.values) value += 1;
    return max_difference(matrix(), expected);
  }
};

/// Runs a statement that must throw the error, and gives its message.
template <class Error, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

}  // namespace e5v::ops::test

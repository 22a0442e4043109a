#pragma once
#include <gmock/gmock.h>

#include <functional>
#include <random>
#include <vector>

#include "nn/pass.h"
#include "ops/rows.h"

namespace e5v::nn::test {

/// Normal values of a standard deviation of a half.
inline tensor::Tensor random_tensor(std::int64_t rows, std::int64_t columns, unsigned seed) {
  tensor::Tensor tensor(tensor::DType::f32, {rows, columns});
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.5f);
  for (float& value : tensor.as<float>()) value = normal(random);
  return tensor;
}

/// A function under test: f32 tensors in, an f32 matrix of the pass out.
using Function = std::function<tensor::Matrix(const Pass& pass, const std::vector<tensor::Tensor>& inputs)>;

inline double weighted_sum(tensor::ConstMatrix y, tensor::ConstMatrix weight) {
  double sum = 0;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    for (std::int64_t c = 0; c < y.columns; ++c) {
      sum += static_cast<double>(y.row<float>(r)[c]) * static_cast<double>(weight.row<float>(r)[c]);
    }
  }
  return sum;
}

/// Compares the gradients of sum(weight * function(inputs)) with respect to all inputs with central differences. The
/// weight is random. `prepare` completes the passes: their rows, dropout.
inline void expect_gradients(const std::vector<tensor::Tensor>& inputs, const Function& function,
                             const std::function<void(Pass&)>& prepare = nullptr) {
  tensor::Arena arena, gradients;
  tensor::Tensor weight;
  const auto loss = [&] {
    const tensor::Arena::Scope scope(arena);
    Pass pass(arena);
    if (prepare) prepare(pass);
    const tensor::Matrix y = function(pass, inputs);
    if (weight.elements() == 0 || weight.data() == nullptr) weight = random_tensor(y.rows, y.columns, 77);
    return weighted_sum(y, matrix_of(weight));
  };
  loss();  // makes the weight
  Tape tape(gradients);
  Pass pass(arena, tape);
  if (prepare) prepare(pass);
  for (const tensor::Tensor& input : inputs) tape.watch(matrix_of(input));
  const tensor::Matrix y = function(pass, inputs);
  ops::convert(matrix_of(weight), *tape.gradient(y));
  tape.rewind();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const tensor::Matrix found = *tape.gradient(matrix_of(inputs[i]));
    const std::span<float> values = inputs[i].as<float>();
    for (std::size_t v = 0; v < values.size(); ++v) {
      const float before = values[v], step = 1e-2f;
      values[v] = before + step;
      const double above = loss();
      values[v] = before - step;
      const double below = loss();
      values[v] = before;
      EXPECT_NEAR(found.row<float>(0)[v], (above - below) / (2 * static_cast<double>(step)), 4e-3)
          << "input " << i << ", number " << v;
    }
  }
}

}  // namespace e5v::nn::test

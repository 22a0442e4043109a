// Legend: M rows, N columns of a matrix, S the smaller of both.
#include "train/muon.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "ops/backend.h"
#include "ops/matmul.h"
#include "ops/rows.h"

namespace e5v::train {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;

constexpr float kBeta = 0.95f;
/// Of the iteration x = a x + b (x x^T) x + c (x x^T)^2 x, chosen by its authors to raise small singular values fast.
constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;
constexpr int kIterations = 5;

/// The sum of squares of a matrix without gaps between its rows.
double square_sum(ConstMatrix x) {
  const std::span values(reinterpret_cast<const float*>(x.data), static_cast<std::size_t>(x.rows * x.columns));
  if (x.place == tensor::Place::device) return ops::backend().square_sum(std::array{values});
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

/// y += scale x.
void add_scaled(ConstMatrix x, float scale, Matrix y, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const Matrix scaled = arena.matrix(DType::f32, x.rows, x.columns);
  ops::convert(x, scaled, scale);
  ops::add(scaled, y);
}

}  // namespace

void orthogonalise(Matrix x, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const bool wide = x.columns >= x.rows;
  const std::int64_t S = std::min(x.rows, x.columns);
  const Matrix square_SS = arena.matrix(DType::f32, S, S), polynomial_SS = arena.matrix(DType::f32, S, S);
  Matrix now = x, next = arena.matrix(DType::f32, x.rows, x.columns);
  const auto length = static_cast<float>(std::sqrt(square_sum(x)));
  ops::convert(x, x, 1 / (length + 1e-7f));
  for (int i = 0; i < kIterations; ++i) {
    if (wide) {
      ops::multiply(now, now, 1, square_SS, false);
    } else {
      ops::fill(square_SS, 0);
      ops::weight_gradient(now, now, 1, square_SS);
    }
    ops::convert(square_SS, polynomial_SS, kB);
    ops::multiply(square_SS, square_SS, kC, polynomial_SS, true);  // symmetric, so that its transpose is itself
    ops::convert(now, next, kA);
    if (wide)
      ops::multiply_backward(polynomial_SS, now, 1, next, true);
    else
      ops::multiply(now, polynomial_SS, 1, next, true);
    std::swap(now, next);
  }
  if (now.data != x.data) ops::convert(now, x);
}

void muon_step(std::span<const MuonMatrix> matrices, double learning_rate, double weight_decay, tensor::Arena& arena) {
  for (const MuonMatrix& matrix : matrices) {
    const tensor::Arena::Scope scope(arena);
    const auto& [values, gradient, momentum] = matrix;
    ops::convert(momentum, momentum, kBeta);
    ops::add(gradient, momentum);
    const Matrix direction = arena.matrix(DType::f32, values.rows, values.columns);
    ops::convert(momentum, direction, kBeta);
    ops::add(gradient, direction);
    orthogonalise(direction, arena);
    const double size = learning_rate * 0.2 * std::sqrt(static_cast<double>(std::max(values.rows, values.columns)));
    ops::convert(values, values, static_cast<float>(1 - learning_rate * weight_decay));
    add_scaled(direction, static_cast<float>(-size), values, arena);
  }
}

}  // namespace e5v::train

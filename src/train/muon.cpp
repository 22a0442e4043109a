// Legend: M rows, N columns of a matrix, S the smaller of both.
#include "train/muon.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "ops/matmul.h"
#include "ops/optimizer.h"
#include "ops/rows.h"

namespace e5v::train {
namespace {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;

constexpr float kBeta = 0.95f;
/// Coefficients of the iteration x = a x + b (x x^T) x + c (x x^T)^2 x. Its authors chose them to raise small singular
/// values fast.
constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;
constexpr int kIterations = 5;

/// The numbers of a matrix without gaps between its rows.
std::span<float> numbers_of(Matrix x) {
  return {reinterpret_cast<float*>(x.data), static_cast<std::size_t>(x.rows * x.columns)};
}

double square_sum(Matrix x) { return ops::square_sum(std::array{std::span<const float>(numbers_of(x))}, x.place); }

/// Computes y += scale x.
void add_scaled(ConstMatrix x, float scale, Matrix y, tensor::Arena& arena) {
  const tensor::Arena::Scope scope(arena);
  const Matrix scaled = arena.matrix(DType::f32, x.rows, x.columns);
  ops::convert(x, scaled, scale);
  ops::add(scaled, y);
}

/// Orders matrices by descending cost, so that those that a group of processes takes at once have about equal costs.
std::vector<MuonMatrix> by_cost(std::span<const MuonMatrix> matrices) {
  std::vector<MuonMatrix> ordered(matrices.begin(), matrices.end());
  std::ranges::stable_sort(ordered, std::greater(), [](const MuonMatrix& matrix) {
    const Matrix& x = matrix.values;
    return static_cast<double>(x.rows) * static_cast<double>(x.columns) *
           static_cast<double>(std::min(x.rows, x.columns));
  });
  return ordered;
}

void remember(const MuonMatrix& matrix) {
  ops::convert(matrix.momentum, matrix.momentum, kBeta);
  ops::add(matrix.gradient, matrix.momentum);
}

/// The direction of a momentum that includes the gradient.
Matrix direction_of(const MuonMatrix& matrix, tensor::Arena& arena) {
  const Matrix direction = arena.matrix(DType::f32, matrix.values.rows, matrix.values.columns);
  ops::convert(matrix.momentum, direction, kBeta);
  ops::add(matrix.gradient, direction);
  orthogonalise(direction, arena);
  return direction;
}

Matrix zeros_like(const MuonMatrix& matrix, tensor::Arena& arena) {
  const Matrix zeros = arena.matrix(DType::f32, matrix.values.rows, matrix.values.columns);
  ops::fill(zeros, 0);
  return zeros;
}

void follow(const MuonMatrix& matrix, ConstMatrix direction, double learning_rate, double weight_decay,
            tensor::Arena& arena) {
  const Matrix& values = matrix.values;
  const double size = learning_rate * 0.2 * std::sqrt(static_cast<double>(std::max(values.rows, values.columns)));
  ops::convert(values, values, static_cast<float>(1 - learning_rate * weight_decay));
  add_scaled(direction, static_cast<float>(-size), values, arena);
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
    ops::multiply(square_SS, square_SS, kC, polynomial_SS, true);  // symmetric, so it is its own transpose
    ops::convert(now, next, kA);
    if (wide)
      ops::multiply_backward(polynomial_SS, now, 1, next, true);
    else
      ops::multiply(now, polynomial_SS, 1, next, true);
    std::swap(now, next);
  }
  if (now.data != x.data) ops::convert(now, x);
}

void muon_step(std::span<const MuonMatrix> matrices, double learning_rate, double weight_decay, tensor::Arena& arena,
               const processes::Group& group) {
  if (matrices.empty()) return;
  const bool on_host = matrices[0].values.place == tensor::Place::host;
  const bool shared = group.size() > 1 && group.sum(on_host ? 1.0 : 0.0) == group.size();
  const std::size_t at_once = shared ? static_cast<std::size_t>(group.size()) : 1;
  const std::size_t mine = shared ? static_cast<std::size_t>(group.index()) : 0;
  const std::vector<MuonMatrix> ordered = by_cost(matrices);
  for (std::size_t begin = 0; begin < ordered.size(); begin += at_once) {
    const std::span round = std::span(ordered).subspan(begin, std::min(at_once, ordered.size() - begin));
    const tensor::Arena::Scope scope(arena);
    for (const MuonMatrix& matrix : round) remember(matrix);
    const Matrix own = mine < round.size() ? direction_of(round[mine], arena) : Matrix();
    for (std::size_t i = 0; i < round.size(); ++i) {
      const tensor::Arena::Scope inner(arena);
      const Matrix direction = i == mine ? own : zeros_like(round[i], arena);
      if (shared) group.sum(numbers_of(direction));  // all other processes have zeros, so that nothing is rounded
      follow(round[i], direction, learning_rate, weight_decay, arena);
    }
  }
}

}  // namespace e5v::train

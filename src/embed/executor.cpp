// Legend: S inputs, D width of the vectors.
#include "embed/executor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "embed/batch.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace e5v::embed {
namespace {

using tensor::Matrix;

std::span<const float> numbers_of(Matrix vector_1D) {
  return {vector_1D.row<float>(0), static_cast<std::size_t>(vector_1D.columns)};
}

double length_of(std::span<const float> vector) {
  double squares = 0;
  for (const float value : vector) squares += double{value} * value;
  return std::sqrt(squares);
}

/// Scales a vector as its input asks. Returns the problem of the vector, or nothing.
std::string scale(Matrix vector_1D, bool normalize) {
  const std::span<const float> vector = numbers_of(vector_1D);
  const double length = length_of(vector);
  if (normalize) ops::l2_normalize(vector_1D, vector_1D);
  if (length > 0 && (!normalize || length_of(vector) > 0.5)) return "";
  return fmt::format(
      "the vector has length {} and cannot be scaled to 1: weights of the model are wrong, zeros for instance", length);
}

}  // namespace

void BatchVectors::add(std::vector<float> vector, std::string problem) {
  vectors_.push_back(std::move(vector));
  problems_.push_back(std::move(problem));
}

Executor::Executor(const Engine& engine) : engine_(engine), arena_(engine.place()) {}

std::int64_t Executor::token_budget(std::int64_t asked) const { return chosen_token_budget(asked, engine_.place()); }

BatchVectors Executor::run(std::span<const PreparedInput> inputs) {
  BatchVectors result;
  if (inputs.empty()) return result;
  tensor::Arena& arena = arena_.place() == tensor::Place::host ? arena_ : vectors_;
  const tensor::Arena::Scope scope(arena);
  const Matrix vectors_SD = compute(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::int64_t kept = inputs[i].dimensions > 0 ? inputs[i].dimensions : vectors_SD.columns;
    const Matrix vector_1D = vectors_SD.row_range(static_cast<std::int64_t>(i), 1).column_range(0, kept);
    std::string problem = problem_of(vector_1D);
    if (problem.empty()) problem = scale(vector_1D, inputs[i].normalize);
    const std::span<const float> vector = problem.empty() ? numbers_of(vector_1D) : std::span<const float>();
    result.add({vector.begin(), vector.end()}, std::move(problem));
  }
  return result;
}

Matrix Executor::compute(std::span<const PreparedInput> inputs) {
  const auto S = static_cast<std::int64_t>(inputs.size());
  tensor::Arena& arena = arena_.place() == tensor::Place::host ? arena_ : vectors_;
  const Matrix vectors_SD = arena.matrix(tensor::DType::f32, S, width());
  if (arena_.place() == tensor::Place::host) {
    engine_.compute(inputs, vectors_SD, arena_);
    return vectors_SD;
  }
  const tensor::Arena::Scope scope(arena_);
  const Matrix computed_SD = arena_.matrix(tensor::DType::f32, S, width());
  engine_.compute(inputs, computed_SD, arena_);
  ops::copy(computed_SD, vectors_SD);
  return vectors_SD;
}

std::string Executor::problem_of(Matrix vector_1D) {
  if (std::ranges::all_of(numbers_of(vector_1D), [](float value) { return std::isfinite(value); })) return "";
  if (!cause_) cause_ = engine_.first_non_finite();
  return fmt::format("the result is not finite; {}", *cause_ ? fmt::format("weight {} holds NaN or infinity", **cause_)
                                                             : "all weights are, so the model overflows on this input");
}

}  // namespace e5v::embed

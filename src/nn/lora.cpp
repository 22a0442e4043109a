// Legend: M rows, K inputs, N outputs, R rank.
#include "nn/lora.h"

#include "ops/dropout.h"
#include "ops/matmul.h"
#include "ops/rows.h"

namespace e5v::nn {

using tensor::ConstMatrix;
using tensor::DType;
using tensor::Matrix;

namespace {

bool drops(const Pass& pass) { return pass.dropout != nullptr && pass.dropout->probability > 0; }

/// The adapter's input: x, partly dropped in training.
ConstMatrix seen_by(const Pass& pass, ConstMatrix x_MK, DType type, std::uint32_t place) {
  if (!drops(pass)) return ops::in_type(x_MK, type, pass.arena);
  const Matrix rest = pass.arena.matrix(type, x_MK.rows, x_MK.columns);
  ops::dropout(x_MK, pass.dropout->probability, pass.dropout->key(place), pass.rows.names, rest);
  return rest;
}

/// dx += the gradient through the adapter's input: dropped dy A.
void add_seen_gradient(const Pass& pass, std::uint32_t place, ConstMatrix dy_MR, ConstMatrix a_RK, Matrix dx_MK) {
  if (!drops(pass)) return ops::multiply_backward(dy_MR, a_RK, 1, dx_MK, true);
  const tensor::Arena::Scope scope(pass.arena);
  // Memory is the limit on a GPU, so the type is that of the products.
  const DType type = dx_MK.place == tensor::Place::device ? dy_MR.dtype : DType::f32;
  const Matrix gradient = pass.arena.matrix(type, dx_MK.rows, dx_MK.columns);
  ops::multiply_backward(dy_MR, a_RK, 1, gradient, false);
  ops::dropout(gradient, pass.dropout->probability, pass.dropout->key(place), pass.rows.names, dx_MK, true);
}

}  // namespace

Lora::Seen Lora::add_to(const Pass& pass, ConstMatrix x_MK, DType products, Matrix y_MN) const {
  const Pass::Scope scope(pass);
  const ConstMatrix x = seen_by(pass, x_MK, products, place);
  const Matrix inner_MR = pass.arena.matrix(DType::f32, x.rows, rank());
  ops::multiply(x, matrix_of(a_RK), scale, inner_MR, false);
  const ConstMatrix inner = ops::in_type(inner_MR, products, pass.arena);
  ops::multiply(inner, matrix_of(b_NR), 1, y_MN, true);
  return {x, inner};
}

void Lora::backward(const Pass& pass, ConstMatrix x_MK, const Seen& seen, ConstMatrix dy_MN) const {
  Tape& tape = *pass.tape;
  const tensor::Arena::Scope scope(pass.arena);
  const ConstMatrix dy = ops::in_type(dy_MN, seen.x_MK.dtype, pass.arena);
  const Matrix dinner_MR = pass.arena.matrix(DType::f32, dy.rows, rank());
  ops::multiply_backward(dy, matrix_of(b_NR), scale, dinner_MR, false);
  const ConstMatrix dinner = ops::in_type(dinner_MR, dy.dtype, pass.arena);
  if (const auto db = tape.gradient(matrix_of(b_NR))) ops::weight_gradient(dy, seen.inner_MR, 1, *db);
  if (const auto da = tape.gradient(matrix_of(a_RK))) ops::weight_gradient(dinner, seen.x_MK, 1, *da);
  if (const auto dx = tape.gradient(x_MK)) add_seen_gradient(pass, place, dinner, matrix_of(a_RK), *dx);
}

}  // namespace e5v::nn

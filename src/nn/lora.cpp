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

/// x as the adapter sees it: f32, and partly dropped while training.
ConstMatrix seen(const Pass& pass, ConstMatrix x_MK, std::uint32_t place) {
  if (x_MK.dtype == DType::f32 && !drops(pass)) return x_MK;
  const Matrix copy = pass.arena.matrix(DType::f32, x_MK.rows, x_MK.columns);
  ops::convert(x_MK, copy);
  if (drops(pass)) ops::dropout(copy, pass.dropout->probability, pass.dropout->key(place), pass.row_names);
  return copy;
}

/// dx += the gradient through what was seen: dropped x A^T.
void add_seen_gradient(const Pass& pass, std::uint32_t place, ConstMatrix dy_MR, ConstMatrix a_RK, Matrix dx_MK) {
  if (!drops(pass)) return ops::multiply_backward(dy_MR, a_RK, 1, dx_MK);
  const tensor::Arena::Scope scope(pass.arena);
  const Matrix gradient = pass.arena.matrix(DType::f32, dx_MK.rows, dx_MK.columns);
  ops::fill(gradient, 0);
  ops::multiply_backward(dy_MR, a_RK, 1, gradient);
  ops::dropout(gradient, pass.dropout->probability, pass.dropout->key(place), pass.row_names);
  ops::add(gradient, dx_MK);
}

}  // namespace

void Lora::add_to(const Pass& pass, ConstMatrix x_MK, Matrix y_MN) const {
  const Pass::Scope scope(pass);
  const ConstMatrix x = seen(pass, x_MK, place);
  const Matrix inner_MR = pass.arena.matrix(DType::f32, x.rows, rank());
  ops::multiply(x, matrix_of(a_RK), 1, inner_MR, false);
  ops::multiply(inner_MR, matrix_of(b_NR), scale, y_MN, true);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, this] {
    Tape& tape = *pass.tape;
    const tensor::Arena::Scope backward(pass.arena);
    const Matrix dy_MN = *tape.gradient(y_MN), dinner_MR = pass.arena.matrix(DType::f32, x.rows, rank());
    ops::fill(dinner_MR, 0);
    ops::multiply_backward(dy_MN, matrix_of(b_NR), scale, dinner_MR);
    if (const auto db = tape.gradient(matrix_of(b_NR))) ops::weight_gradient(dy_MN, inner_MR, scale, *db);
    if (const auto da = tape.gradient(matrix_of(a_RK))) ops::weight_gradient(dinner_MR, x, 1, *da);
    if (const auto dx = tape.gradient(x_MK)) add_seen_gradient(pass, place, dinner_MR, matrix_of(a_RK), *dx);
  });
}

}  // namespace e5v::nn

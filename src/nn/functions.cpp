#include "nn/functions.h"

#include <algorithm>

#include "ops/activation.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace e5v::nn {
namespace {

using tensor::ConstMatrix;
using tensor::Matrix;

/// A copy, for a backward pass that needs values which are overwritten.
ConstMatrix keep(const Pass& pass, ConstMatrix x) {
  const Matrix copy = pass.arena.matrix(x.dtype, x.rows, x.columns);
  for (std::int64_t row = 0; row < x.rows; ++row) {
    std::copy_n(x.data + row * x.stride * size_of(x.dtype), x.columns * size_of(x.dtype),
                copy.data + row * copy.stride * size_of(copy.dtype));
  }
  return copy;
}

}  // namespace

void rms_norm(const Pass& pass, ConstMatrix x_TD, const Vector& gamma_D, float eps, Matrix y_TD) {
  ops::rms_norm(x_TD, gamma_D.values(), eps, y_TD);
  if (pass.tape == nullptr) return;
  const ConstMatrix x = keep(pass, x_TD);
  pass.tape->record([=, &gamma_D, &tape = *pass.tape] {
    ops::rms_norm_backward(x, gamma_D.values(), eps, *tape.gradient(y_TD), *tape.gradient(x_TD),
                           tape.gradient(gamma_D.source()));
  });
}

void rotary(const Pass& pass, Matrix x_TX, std::span<const std::int32_t> positions_T, const ops::RotaryTable& table) {
  ops::rotary(x_TX, positions_T, table);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &table, &tape = *pass.tape] {
    ops::rotary_backward(*tape.gradient(x_TX), positions_T, table);
  });
}

void attention(const Pass& pass, const ops::AttentionArguments& a, const ops::AttentionPlan& plan) {
  ops::attention(a, plan, pass.arena);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &plan, &tape = *pass.tape] {
    ops::attention_backward({a.q_QHE, a.k_TKE, a.v_TKE, *tape.gradient(a.out_QHE), *tape.gradient(a.q_QHE),
                             *tape.gradient(a.k_TKE), *tape.gradient(a.v_TKE), a.heads, a.kv_heads, a.scale},
                            plan);
  });
}

void swiglu(const Pass& pass, ConstMatrix gate_up_TG, Matrix y_TF) {
  ops::swiglu(gate_up_TG, y_TF);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &tape = *pass.tape] {
    ops::swiglu_backward(gate_up_TG, *tape.gradient(y_TF), *tape.gradient(gate_up_TG));
  });
}

void select_rows(const Pass& pass, ConstMatrix x_TD, std::span<const std::int64_t> rows_P, Matrix y_PD) {
  ops::select_rows(x_TD, rows_P, y_PD);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &tape = *pass.tape] {
    ops::add_rows(*tape.gradient(y_PD), rows_P, *tape.gradient(x_TD));
  });
}

}  // namespace e5v::nn

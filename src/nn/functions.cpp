#include "nn/functions.h"

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
  ops::copy(x, copy);
  return copy;
}

using Activation = void (*)(ConstMatrix, Matrix);
using ActivationBackward = void (*)(ConstMatrix, ConstMatrix, Matrix);

void activate(const Pass& pass, ConstMatrix x, Matrix y, Activation forward, ActivationBackward backward) {
  forward(x, y);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &tape = *pass.tape] { backward(x, *tape.gradient(y), *tape.gradient(x)); });
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

Input rms_norm_for(const Linear& reader, const Pass& pass, ConstMatrix x_TD, const Vector& gamma_D, float eps,
                   ops::FineRows kept) {
  const Matrix y_TD = pass.matrix(reader.input_type(), x_TD.rows, x_TD.columns);
  const ops::Fp8Rows rounded_TD = reader.rounded_rows(pass, x_TD.rows);
  if (rounded_TD.empty()) {
    rms_norm(pass, x_TD, gamma_D, eps, y_TD);
  } else {
    ops::rms_norm_fp8(x_TD, gamma_D.values(), eps, y_TD, kept, rounded_TD);
  }
  return {y_TD, rounded_TD};
}

void layer_norm(const Pass& pass, ConstMatrix x_TD, const Vector& gamma_D, const Vector& beta_D, float eps,
                Matrix y_TD) {
  ops::layer_norm(x_TD, gamma_D.values(), beta_D.values(), eps, y_TD);
  if (pass.tape == nullptr) return;
  const ConstMatrix x = keep(pass, x_TD);
  pass.tape->record([=, &gamma_D, &beta_D, &tape = *pass.tape] {
    ops::layer_norm_backward(x, gamma_D.values(), eps, *tape.gradient(y_TD), *tape.gradient(x_TD),
                             tape.gradient(gamma_D.source()), tape.gradient(beta_D.source()));
  });
}

void rotary(const Pass& pass, Matrix x_TX, std::span<const std::int32_t> positions_T, const ops::RotaryTable& table) {
  ops::rotary(x_TX, positions_T, table);
  if (pass.tape == nullptr) return;
  pass.tape->record(
      [=, &table, &tape = *pass.tape] { ops::rotary_backward(*tape.gradient(x_TX), positions_T, table); });
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
    const Matrix dy_TF = *tape.gradient(y_TF);
    const Tape::Target dgate_up = tape.target(gate_up_TG);
    ops::swiglu_backward(gate_up_TG, dy_TF, dgate_up.gradient, !dgate_up.fresh);
  });
}

Input swiglu_for(const Linear& reader, const Pass& pass, ConstMatrix gate_up_TG, ops::FineRows kept) {
  const Matrix y_TF = pass.matrix(reader.input_type(), gate_up_TG.rows, reader.inputs());
  const ops::Fp8Rows rounded_TF = reader.rounded_rows(pass, gate_up_TG.rows);
  if (rounded_TF.empty()) {
    swiglu(pass, gate_up_TG, y_TF);
  } else {
    ops::swiglu_fp8(gate_up_TG, y_TF, kept, rounded_TF);
  }
  return {y_TF, rounded_TF};
}

void quick_gelu(const Pass& pass, ConstMatrix x_TF, Matrix y_TF) {
  activate(pass, x_TF, y_TF, ops::quick_gelu, ops::quick_gelu_backward);
}

void gelu(const Pass& pass, ConstMatrix x_TF, Matrix y_TF) {
  activate(pass, x_TF, y_TF, ops::gelu, ops::gelu_backward);
}

void gelu_tanh(const Pass& pass, ConstMatrix x_TF, Matrix y_TF) {
  activate(pass, x_TF, y_TF, ops::gelu_tanh, ops::gelu_tanh_backward);
}

void select_rows(const Pass& pass, ConstMatrix x_TD, std::span<const std::int64_t> rows_P, Matrix y_PD) {
  ops::select_rows(x_TD, rows_P, y_PD);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &tape = *pass.tape] { ops::add_rows(*tape.gradient(y_PD), rows_P, *tape.gradient(x_TD)); });
}

ConstMatrix converted(const Pass& pass, ConstMatrix x, tensor::DType dtype) {
  if (x.dtype == dtype) return x;
  const Matrix result = pass.matrix(dtype, x.rows, x.columns);
  ops::convert(x, result);
  if (pass.tape != nullptr) {
    pass.tape->record([=, &tape = *pass.tape] { ops::add(*tape.gradient(result), *tape.gradient(x)); });
  }
  return result;
}

void copy_rows(const Pass& pass, ConstMatrix x_RD, RowCopies copies, Matrix y_TD) {
  ops::move_rows(x_RD, copies.from, copies.to, y_TD, false);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, copies = std::move(copies), &tape = *pass.tape] {
    ops::move_rows(*tape.gradient(y_TD), copies.to, copies.from, *tape.gradient(x_RD), true);
  });
}

}  // namespace e5v::nn

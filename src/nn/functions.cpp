#include "nn/functions.h"

#include "ops/activation.h"
#include "ops/rotary.h"
#include "ops/rows.h"

namespace e5v::nn {
namespace {

using tensor::ConstMatrix;
using tensor::Matrix;

using Activation = void (*)(ConstMatrix, Matrix);
using ActivationBackward = void (*)(ConstMatrix, ConstMatrix, Matrix);

void activate(const Pass& pass, ConstMatrix x, Matrix y, Activation forward, ActivationBackward backward) {
  forward(x, y);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &tape = *pass.tape] { backward(x, *tape.gradient(y), *tape.gradient(x)); });
}

/// Rows [tiles * rows, D] as a matrix with one row for each tile.
Matrix by_tile(const Matrix& x, std::int64_t rows) {
  return {x.data, x.dtype, x.rows / rows, rows * x.columns, rows * x.columns, x.place};
}

}  // namespace

ConstMatrix copy_for_backward(const Pass& pass, ConstMatrix x) {
  const Matrix copy = pass.arena.matrix(x.dtype, x.rows, x.columns);
  ops::copy(x, copy);
  return copy;
}

void rotary(const Pass& pass, Matrix x_TX) {
  require(pass.rows.rotary != nullptr, "[rotary] the pass's rows have no table of angles");
  const ops::RotaryTable& table = *pass.rows.rotary;
  ops::rotary(x_TX, pass.rows.positions, table);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &table, positions_T = pass.rows.positions, &tape = *pass.tape] {
    ops::rotary_backward(*tape.gradient(x_TX), positions_T, table);
  });
}

Input swiglu(const Pass& pass, ConstMatrix gate_up_TG, const Linear& reader) {
  const Made made = make_for({reader}, pass, gate_up_TG.rows);
  const Matrix y_TF = made.y_MK;
  if (made.rounded_MK.empty()) {
    ops::swiglu(gate_up_TG, y_TF);
  } else {
    ops::swiglu_fp8(gate_up_TG, y_TF, made.kept, made.rounded_MK);
  }
  if (pass.tape == nullptr) return made.input();
  pass.tape->record([=, &tape = *pass.tape] {
    const Matrix dy_TF = *tape.gradient(y_TF);
    const Tape::Target dgate_up = tape.target(gate_up_TG);
    ops::swiglu_backward(gate_up_TG, dy_TF, dgate_up.gradient, !dgate_up.fresh);
  });
  return made.input();
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

void select_rows(const Pass& pass, ConstMatrix x_TD, Matrix y_QD) {
  if (!pass.rows.selected) {
    require(y_QD.data == x_TD.data, "[select_rows] the pass works on all rows: y must be x");
    return;
  }
  const std::span<const std::int64_t> rows_Q = *pass.rows.selected;
  ops::select_rows(x_TD, rows_Q, y_QD);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &tape = *pass.tape] { ops::add_rows(*tape.gradient(y_QD), rows_Q, *tape.gradient(x_TD)); });
}

Input select_rows(const Pass& pass, const Input& x_TD) {
  if (!pass.rows.selected) return x_TD;
  const ConstMatrix x = x_TD.x_MK;
  const Matrix y_QD = pass.matrix(x.dtype, std::ssize(*pass.rows.selected), x.columns);
  select_rows(pass, x, y_QD);
  return y_QD;
}

void gather_rows(const Pass& pass, const tensor::TensorView& table_VD, std::span<const std::int32_t> ids_T,
                 Matrix y_TD) {
  ops::gather_rows(table_VD, ids_T, y_TD);
  if (pass.tape == nullptr) return;
  const auto table_gradient = pass.tape->gradient(matrix_of(table_VD));
  if (!table_gradient) return;
  pass.tape->record([=, rows_T = std::vector<std::int64_t>(ids_T.begin(), ids_T.end()), &tape = *pass.tape] {
    ops::add_rows(*tape.gradient(y_TD), rows_T, *table_gradient);
  });
}

void place_patches(const Pass& pass, ConstMatrix patches_PD, const Vector& class_D, const Vector& positions_RD,
                   Matrix y_TD) {
  const ConstMatrix positions = matrix_of(positions_RD.view());
  ops::place_patches(patches_PD, class_D.values(), positions, y_TD);
  if (pass.tape == nullptr) return;
  pass.tape->record([=, &class_D, &positions_RD, rows = positions.rows, &tape = *pass.tape] {
    const std::int64_t D = y_TD.columns;
    const Matrix dy = by_tile(*tape.gradient(y_TD), rows), dpatches = by_tile(*tape.gradient(patches_PD), rows - 1);
    const std::span<float> dclass = tape.gradient(class_D.source()), dposition = tape.gradient(positions_RD.source());
    if (!dposition.empty()) ops::add_column_sums(dy, dposition);
    if (!dclass.empty()) ops::add_column_sums(dy.column_range(0, D), dclass);
    ops::add(dy.column_range(D, dpatches.columns), dpatches);
  });
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

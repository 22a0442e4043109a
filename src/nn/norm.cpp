#include "nn/norm.h"

#include "ops/norm.h"

namespace e5v::nn {

using tensor::ConstMatrix;
using tensor::Matrix;

void RmsNorm::forward(const Pass& pass, ConstMatrix x_TD, Matrix y_TD) const {
  ops::rms_norm(x_TD, gamma_.values(), eps_, y_TD);
  if (pass.tape == nullptr) return;
  const ConstMatrix x = copy_for_backward(pass, x_TD);
  pass.tape->record([=, this, &tape = *pass.tape] {
    ops::rms_norm_backward(x, gamma_.values(), eps_, *tape.gradient(y_TD), *tape.gradient(x_TD),
                           tape.gradient(gamma_.source()));
  });
}

Input RmsNorm::forward(const Pass& pass, ConstMatrix x_TD, Readers readers) const {
  const Made made = make_for(readers, pass, x_TD.rows);
  if (made.rounded_MK.empty()) {
    forward(pass, x_TD, made.y_MK);
  } else {
    ops::rms_norm_fp8(x_TD, gamma_.values(), eps_, made.y_MK, made.kept, made.rounded_MK);
  }
  return made.input();
}

void LayerNorm::forward(const Pass& pass, ConstMatrix x_TD, Matrix y_TD) const {
  ops::layer_norm(x_TD, gamma_.values(), beta_.values(), eps_, y_TD);
  if (pass.tape == nullptr) return;
  const ConstMatrix x = copy_for_backward(pass, x_TD);
  pass.tape->record([=, this, &tape = *pass.tape] {
    ops::layer_norm_backward(x, gamma_.values(), eps_, *tape.gradient(y_TD), *tape.gradient(x_TD),
                             tape.gradient(gamma_.source()), tape.gradient(beta_.source()));
  });
}

Matrix LayerNorm::forward(const Pass& pass, ConstMatrix x_TD, const Linear& reader) const {
  const Matrix y_TD = pass.matrix(reader.input_type(), x_TD.rows, x_TD.columns);
  forward(pass, x_TD, y_TD);
  return y_TD;
}

}  // namespace e5v::nn

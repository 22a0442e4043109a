#include "ops/activation.h"

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"
#include "ops/rows.h"

namespace e5v::ops {
namespace {

void pointwise(const char* op, Pointwise function, tensor::ConstMatrix x, tensor::Matrix y) {
  check_result_type(op, "x", x);
  check_activation_type(op, "y", y.dtype);
  check_shape(op, "y", y, x.rows, x.columns);
  if (on_device(y)) return backend().pointwise(function, x, y);
  cpu::pointwise(function, x, y);
}

void pointwise_backward(const char* op, Pointwise function, tensor::ConstMatrix x, tensor::ConstMatrix dy,
                        tensor::Matrix dx) {
  check_result_type(op, "x", x);
  check_shape(op, "x", x, dx.rows, dx.columns);
  check_gradient(op, "dy", dy, dx.rows, dx.columns);
  check_type(op, "dx", dx.dtype, tensor::DType::f32);
  if (on_device(dx)) return backend().pointwise_backward(function, x, dy, dx);
  cpu::pointwise_backward(function, x, dy, dx);
}

void check_swiglu(tensor::ConstMatrix gate_up, tensor::ConstMatrix y) {
  check_result_type("swiglu", "gate_up", gate_up);
  check_activation_type("swiglu", "y", y.dtype);
  check_shape("swiglu", "gate_up", gate_up, y.rows, 2 * y.columns);
}

}  // namespace

void swiglu(tensor::ConstMatrix gate_up_TG, tensor::Matrix y_TF) {
  check_swiglu(gate_up_TG, y_TF);
  if (on_device(y_TF)) return backend().swiglu(gate_up_TG, y_TF);
  cpu::swiglu(gate_up_TG, y_TF);
}

void swiglu_fp8(tensor::ConstMatrix gate_up_TG, tensor::Matrix y_TF, FineRows fine, const Fp8Rows& rounded_TF) {
  check_swiglu(gate_up_TG, y_TF);
  check_fine_rows("swiglu", fine, y_TF.rows);
  check_fp8_rows("swiglu", rounded_TF, y_TF);
  backend().swiglu_fp8(gate_up_TG, y_TF, fine, rounded_TF);
}

void swiglu_backward(tensor::ConstMatrix gate_up_TG, tensor::ConstMatrix dy_TF, tensor::Matrix dgate_up_TG, bool add) {
  check_result_type("swiglu_backward", "gate_up", gate_up_TG);
  check_shape("swiglu_backward", "gate_up", gate_up_TG, dy_TF.rows, 2 * dy_TF.columns);
  check_gradient("swiglu_backward", "dgate_up", dgate_up_TG, dy_TF.rows, 2 * dy_TF.columns);
  check_type("swiglu_backward", "dy", dy_TF.dtype, tensor::DType::f32);
  if (on_device(dgate_up_TG)) return backend().swiglu_backward(gate_up_TG, dy_TF, dgate_up_TG, add);
  if (!add) fill(dgate_up_TG, 0);
  cpu::swiglu_backward(gate_up_TG, dy_TF, dgate_up_TG);
}

void quick_gelu(tensor::ConstMatrix x_TF, tensor::Matrix y_TF) {
  pointwise("quick_gelu", Pointwise::quick_gelu, x_TF, y_TF);
}

void gelu(tensor::ConstMatrix x_TF, tensor::Matrix y_TF) { pointwise("gelu", Pointwise::gelu, x_TF, y_TF); }

void gelu_tanh(tensor::ConstMatrix x_TF, tensor::Matrix y_TF) {
  pointwise("gelu_tanh", Pointwise::gelu_tanh, x_TF, y_TF);
}

void quick_gelu_backward(tensor::ConstMatrix x_TF, tensor::ConstMatrix dy_TF, tensor::Matrix dx_TF) {
  pointwise_backward("quick_gelu_backward", Pointwise::quick_gelu, x_TF, dy_TF, dx_TF);
}

void gelu_backward(tensor::ConstMatrix x_TF, tensor::ConstMatrix dy_TF, tensor::Matrix dx_TF) {
  pointwise_backward("gelu_backward", Pointwise::gelu, x_TF, dy_TF, dx_TF);
}

void gelu_tanh_backward(tensor::ConstMatrix x_TF, tensor::ConstMatrix dy_TF, tensor::Matrix dx_TF) {
  pointwise_backward("gelu_tanh_backward", Pointwise::gelu_tanh, x_TF, dy_TF, dx_TF);
}

}  // namespace e5v::ops

#include "ops/activation.h"

#include "ops/check.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {
namespace {

void pointwise(const char* op, cpu::Pointwise function, tensor::ConstMatrix x, tensor::Matrix y) {
  check_type(op, "x", x.dtype, tensor::DType::f32);
  check_activation_type(op, "y", y.dtype);
  check_shape(op, "y", y, x.rows, x.columns);
  cpu::pointwise(function, x, y);
}

}  // namespace

void swiglu(tensor::ConstMatrix gate_up_TG, tensor::Matrix y_TF) {
  check_type("swiglu", "gate_up", gate_up_TG.dtype, tensor::DType::f32);
  check_activation_type("swiglu", "y", y_TF.dtype);
  check_shape("swiglu", "gate_up", gate_up_TG, y_TF.rows, 2 * y_TF.columns);
  cpu::swiglu(gate_up_TG, y_TF);
}

void quick_gelu(tensor::ConstMatrix x_TF, tensor::Matrix y_TF) {
  pointwise("quick_gelu", cpu::Pointwise::quick_gelu, x_TF, y_TF);
}

void gelu(tensor::ConstMatrix x_TF, tensor::Matrix y_TF) { pointwise("gelu", cpu::Pointwise::gelu, x_TF, y_TF); }

void gelu_tanh(tensor::ConstMatrix x_TF, tensor::Matrix y_TF) {
  pointwise("gelu_tanh", cpu::Pointwise::gelu_tanh, x_TF, y_TF);
}

}  // namespace e5v::ops

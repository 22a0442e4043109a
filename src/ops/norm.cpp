#include "ops/norm.h"

#include "ops/check.h"
#include "ops/cpu/kernels.h"

namespace e5v::ops {

void rms_norm(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::Matrix y_TD) {
  check_type("rms_norm", "x", x_TD.dtype, tensor::DType::f32);
  check_activation_type("rms_norm", "y", y_TD.dtype);
  check_shape("rms_norm", "y", y_TD, x_TD.rows, x_TD.columns);
  check_length("rms_norm", "gamma", gamma_D.size(), x_TD.columns);
  cpu::rms_norm(x_TD, gamma_D.data(), eps, y_TD);
}

void layer_norm(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, std::span<const float> beta_D, float eps,
                tensor::Matrix y_TD) {
  check_type("layer_norm", "x", x_TD.dtype, tensor::DType::f32);
  check_activation_type("layer_norm", "y", y_TD.dtype);
  check_shape("layer_norm", "y", y_TD, x_TD.rows, x_TD.columns);
  check_length("layer_norm", "gamma", gamma_D.size(), x_TD.columns);
  check_length("layer_norm", "beta", beta_D.size(), x_TD.columns);
  cpu::layer_norm(x_TD, gamma_D.data(), beta_D.data(), eps, y_TD);
}

void l2_normalize(tensor::ConstMatrix x_TD, tensor::Matrix y_TD) {
  check_type("l2_normalize", "x", x_TD.dtype, tensor::DType::f32);
  check_type("l2_normalize", "y", y_TD.dtype, tensor::DType::f32);
  check_shape("l2_normalize", "y", y_TD, x_TD.rows, x_TD.columns);
  cpu::l2_normalize(x_TD, y_TD);
}

}  // namespace e5v::ops

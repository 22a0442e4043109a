#include "ops/norm.h"

#include <vector>

#include "ops/backend.h"
#include "ops/check.h"
#include "ops/cpu/kernels.h"
#include "ops/rows.h"

namespace e5v::ops {
namespace {

void check_rms_norm(tensor::ConstMatrix x, std::span<const float> gamma, tensor::ConstMatrix y) {
  check_type("rms_norm", "x", x.dtype, tensor::DType::f32);
  check_activation_type("rms_norm", "y", y.dtype);
  check_shape("rms_norm", "y", y, x.rows, x.columns);
  check_length("rms_norm", "gamma", gamma.size(), x.columns);
}

void check_backward(const char* op, tensor::ConstMatrix x, std::span<const float> gamma, tensor::ConstMatrix dy,
                    tensor::ConstMatrix dx, std::span<const float> dgamma) {
  check_gradient(op, "x", x, dy.rows, dy.columns);
  check_gradient(op, "dx", dx, dy.rows, dy.columns);
  check_type(op, "dy", dy.dtype, tensor::DType::f32);
  check_length(op, "gamma", gamma.size(), x.columns);
  if (!dgamma.empty()) check_length(op, "dgamma", dgamma.size(), x.columns);
}

void add_gamma_gradient(tensor::ConstMatrix x, float eps, bool centred, tensor::ConstMatrix dy,
                        std::span<float> dgamma) {
  if (dgamma.empty()) return;
  std::vector<cpu::RowScaling> rows(static_cast<std::size_t>(x.rows));
  cpu::norm_scalings(x, eps, centred, rows);
  cpu::add_normed_column_sums(dy, x, rows, dgamma);
}

}  // namespace

void rms_norm(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::Matrix y_TD) {
  check_rms_norm(x_TD, gamma_D, y_TD);
  if (on_device(y_TD)) return backend().rms_norm(x_TD, gamma_D.data(), eps, y_TD);
  cpu::rms_norm(x_TD, gamma_D.data(), eps, y_TD);
}

void rms_norm_fp8(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::Matrix y_TD,
                  FineRows fine, const Fp8Rows& rounded_TD) {
  check_rms_norm(x_TD, gamma_D, y_TD);
  check_fine_rows("rms_norm", fine, y_TD.rows);
  check_fp8_rows("rms_norm", rounded_TD, y_TD);
  backend().rms_norm_fp8(x_TD, gamma_D.data(), eps, y_TD, fine, rounded_TD);
}

void rms_norm_backward(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::ConstMatrix dy_TD,
                       tensor::Matrix dx_TD, std::span<float> dgamma_D) {
  check_backward("rms_norm_backward", x_TD, gamma_D, dy_TD, dx_TD, dgamma_D);
  if (on_device(dx_TD)) {
    return backend().rms_norm_backward(x_TD, gamma_D.data(), eps, dy_TD, dx_TD, dgamma_D.data());
  }
  cpu::rms_norm_backward(x_TD, gamma_D.data(), eps, dy_TD, dx_TD);
  add_gamma_gradient(x_TD, eps, false, dy_TD, dgamma_D);
}

void layer_norm(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, std::span<const float> beta_D, float eps,
                tensor::Matrix y_TD) {
  check_type("layer_norm", "x", x_TD.dtype, tensor::DType::f32);
  check_activation_type("layer_norm", "y", y_TD.dtype);
  check_shape("layer_norm", "y", y_TD, x_TD.rows, x_TD.columns);
  check_length("layer_norm", "gamma", gamma_D.size(), x_TD.columns);
  check_length("layer_norm", "beta", beta_D.size(), x_TD.columns);
  if (on_device(y_TD)) return backend().layer_norm(x_TD, gamma_D.data(), beta_D.data(), eps, y_TD);
  cpu::layer_norm(x_TD, gamma_D.data(), beta_D.data(), eps, y_TD);
}

void layer_norm_backward(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::ConstMatrix dy_TD,
                         tensor::Matrix dx_TD, std::span<float> dgamma_D, std::span<float> dbeta_D) {
  check_backward("layer_norm_backward", x_TD, gamma_D, dy_TD, dx_TD, dgamma_D);
  if (!dbeta_D.empty()) check_length("layer_norm_backward", "dbeta", dbeta_D.size(), x_TD.columns);
  if (on_device(dx_TD)) {
    return backend().layer_norm_backward(x_TD, gamma_D.data(), eps, dy_TD, dx_TD, dgamma_D.data(), dbeta_D.data());
  }
  cpu::layer_norm_backward(x_TD, gamma_D.data(), eps, dy_TD, dx_TD);
  add_gamma_gradient(x_TD, eps, true, dy_TD, dgamma_D);
  add_column_sums(dy_TD, dbeta_D);
}

void l2_normalize(tensor::ConstMatrix x_TD, tensor::Matrix y_TD) {
  check_type("l2_normalize", "x", x_TD.dtype, tensor::DType::f32);
  check_type("l2_normalize", "y", y_TD.dtype, tensor::DType::f32);
  check_shape("l2_normalize", "y", y_TD, x_TD.rows, x_TD.columns);
  if (on_device(y_TD)) return backend().l2_normalize(x_TD, y_TD);
  cpu::l2_normalize(x_TD, y_TD);
}

}  // namespace e5v::ops

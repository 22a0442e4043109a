#include "ops/norm.h"

#include <cmath>
#include <vector>

#include "ops/check.h"
#include "ops/cpu/column_sums.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/rows.h"
#include "ops/rows.h"

namespace e5v::ops {
namespace {

void check_backward(const char* op, tensor::ConstMatrix x, std::span<const float> gamma, tensor::ConstMatrix dy,
                    tensor::ConstMatrix dx, std::span<const float> dgamma) {
  check_gradient(op, "x", x, dy.rows, dy.columns);
  check_gradient(op, "dx", dx, dy.rows, dy.columns);
  check_type(op, "dy", dy.dtype, tensor::DType::f32);
  check_length(op, "gamma", gamma.size(), x.columns);
  if (!dgamma.empty()) check_length(op, "dgamma", dgamma.size(), x.columns);
}

/// What a norm subtracts from a row, and what it multiplies the rest with.
struct Scaling {
  float mean, factor;
};

std::vector<Scaling> scalings(tensor::ConstMatrix x, float eps, bool centred) {
  std::vector<Scaling> result(static_cast<std::size_t>(x.rows));
  const auto width = static_cast<double>(x.columns);
  cpu::for_rows(x.rows, x.columns, [&](std::int64_t row) {
    const float* from = x.row<float>(row);
    double mean = 0, square = 0;
    for (std::int64_t j = 0; centred && j < x.columns; ++j) mean += static_cast<double>(from[j]) / width;
    for (std::int64_t j = 0; j < x.columns; ++j) {
      const double value = static_cast<double>(from[j]) - mean;
      square += value * value;
    }
    const double factor = 1 / std::sqrt(square / width + static_cast<double>(eps));
    result[static_cast<std::size_t>(row)] = {static_cast<float>(mean), static_cast<float>(factor)};
  });
  return result;
}

void add_gamma_gradient(tensor::ConstMatrix x, float eps, bool centred, tensor::ConstMatrix dy,
                        std::span<float> dgamma) {
  if (dgamma.empty()) return;
  const std::vector<Scaling> rows = scalings(x, eps, centred);
  cpu::add_column_sums(x.rows, dgamma, [&](std::int64_t row, std::int64_t j) {
    const Scaling& scaling = rows[static_cast<std::size_t>(row)];
    return dy.row<float>(row)[j] * (x.row<float>(row)[j] - scaling.mean) * scaling.factor;
  });
}

}  // namespace

void rms_norm(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::Matrix y_TD) {
  check_type("rms_norm", "x", x_TD.dtype, tensor::DType::f32);
  check_activation_type("rms_norm", "y", y_TD.dtype);
  check_shape("rms_norm", "y", y_TD, x_TD.rows, x_TD.columns);
  check_length("rms_norm", "gamma", gamma_D.size(), x_TD.columns);
  cpu::rms_norm(x_TD, gamma_D.data(), eps, y_TD);
}

void rms_norm_backward(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::ConstMatrix dy_TD,
                       tensor::Matrix dx_TD, std::span<float> dgamma_D) {
  check_backward("rms_norm_backward", x_TD, gamma_D, dy_TD, dx_TD, dgamma_D);
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
  cpu::layer_norm(x_TD, gamma_D.data(), beta_D.data(), eps, y_TD);
}

void layer_norm_backward(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps,
                         tensor::ConstMatrix dy_TD, tensor::Matrix dx_TD, std::span<float> dgamma_D,
                         std::span<float> dbeta_D) {
  check_backward("layer_norm_backward", x_TD, gamma_D, dy_TD, dx_TD, dgamma_D);
  if (!dbeta_D.empty()) check_length("layer_norm_backward", "dbeta", dbeta_D.size(), x_TD.columns);
  cpu::layer_norm_backward(x_TD, gamma_D.data(), eps, dy_TD, dx_TD);
  add_gamma_gradient(x_TD, eps, true, dy_TD, dgamma_D);
  add_column_sums(dy_TD, dbeta_D);
}

void l2_normalize(tensor::ConstMatrix x_TD, tensor::Matrix y_TD) {
  check_type("l2_normalize", "x", x_TD.dtype, tensor::DType::f32);
  check_type("l2_normalize", "y", y_TD.dtype, tensor::DType::f32);
  check_shape("l2_normalize", "y", y_TD, x_TD.rows, x_TD.columns);
  cpu::l2_normalize(x_TD, y_TD);
}

}  // namespace e5v::ops

#pragma once
#include <span>

#include "ops/product_rows.h"
#include "tensor/matrix.h"

/// The backward pass of y = f(x) takes dy, the gradient of a loss with respect to y. It adds the gradient with respect
/// to x to dx, and those with respect to gamma and beta to dgamma and dbeta where these are not empty. Matrices are
/// f32.
namespace e5v::ops {

/// y = x / sqrt(mean(x^2) + eps) * gamma over each row.
/// x_TD f32 [T, D]; gamma_D [D]; y_TD f32|bf16 [T, D], may be x. eps has no unit.
/// Throws InvalidInput when shapes or types differ from that. Source: arXiv:1910.07467, eq. 4.
void rms_norm(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::Matrix y_TD);
/// The same with the rows of y rounded for products. Of y, which is bf16, only the fine rows are written.
void rms_norm_fp8(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::Matrix y_TD,
                  FineRows fine, const Fp8Rows& rounded_TD);
void rms_norm_backward(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::ConstMatrix dy_TD,
                       tensor::Matrix dx_TD, std::span<float> dgamma_D);

/// y = (x - mean(x)) / sqrt(var(x) + eps) * gamma + beta over each row, with the biased variance var. x_TD f32 [T, D];
/// gamma_D, beta_D [D]; y_TD f32|bf16 [T, D], may be x. Throws InvalidInput when shapes or types differ from that.
/// Source: arXiv:1607.06450, eq. 4.
void layer_norm(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, std::span<const float> beta_D, float eps,
                tensor::Matrix y_TD);
void layer_norm_backward(tensor::ConstMatrix x_TD, std::span<const float> gamma_D, float eps, tensor::ConstMatrix dy_TD,
                         tensor::Matrix dx_TD, std::span<float> dgamma_D, std::span<float> dbeta_D);

/// y = x / max(|x|, 1e-12) over each row, with the Euclidean norm |x|, as in torch.nn.functional.normalize. x_TD, y_TD
/// f32 [T, D]; y may be x.
void l2_normalize(tensor::ConstMatrix x_TD, tensor::Matrix y_TD);

}  // namespace e5v::ops

#pragma once
#include <functional>

#include "quantize/gram.h"
#include "quantize/weights.h"

namespace e5v::quantize {

/// Rounds each group of columns of a row to 4 bits, q in [-8, 7], so that products with the calibration activations
/// change little. Columns are rounded one after another, and each compensates the errors of earlier columns as far as
/// its input is correlated with theirs. The scale of a group is that of best_int4_scale for the numbers that would
/// compensate everything. Source: GPTQ, arXiv:2210.17323, in the form of Babai's nearest plane, arXiv:2507.18553, which
/// needs no inverse of H. w_NK f32 [N, K]; group a multiple of 8 that divides K. Throws InvalidInput otherwise.
/// check_stop is called often; an exception of it ends the call.
QuantizedWeight quantize_int4_compensated(tensor::ConstMatrix w_NK, const ErrorFactor& factor, std::int64_t group,
                                          tensor::DType scale_type, const std::function<void()>& check_stop = nullptr);

}  // namespace e5v::quantize

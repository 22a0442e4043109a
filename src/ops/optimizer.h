#pragma once
#include <span>

#include "ops/adamw_factors.h"
#include "tensor/device.h"

/// Operations of an optimizer on the tensors that it trains.
namespace e5v::ops {

/// A tensor and its state in AdamW: lists of one length.
struct AdamWTensor {
  std::span<float> values;
  std::span<const float> gradient;
  std::span<float> mean, square;              ///< moving averages of the gradient and of its square
  tensor::Place place = tensor::Place::host;  ///< of all four lists
};

/// One step of AdamW over tensors that do not overlap:
///   mean += one_minus_beta1 (gradient - mean); square = beta2 square + one_minus_beta2 gradient^2;
///   values = keep values - size mean / (sqrt(square) / correction2 + epsilon).
/// Every operation is rounded separately, so that a GPU computes the same bits as a CPU. Throws InvalidInput when
/// lengths differ. Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2; torch.optim.AdamW.
void adamw(const AdamWFactors& factors, std::span<const AdamWTensor> tensors);

/// The sum of the squares of all numbers in lists in a place. It is computed in double, in an order that depends only
/// on the lengths of the lists.
double square_sum(std::span<const std::span<const float>> lists, tensor::Place place);

/// Multiplies every number in lists in a place by the factor.
void scale(std::span<const std::span<float>> lists, float factor, tensor::Place place);

}  // namespace e5v::ops
